"""What the request path costs, beside LiteLLM's proxy and beside bare proxies."""
