# The one door. `make` lists the targets.
PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$p; break; }; done)
BIN := .venv/bin
STAMP := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help setup local test scenarios check synth review permissions events costs api-reference error-rates bench-bandits bench-requests bench-rollback fault-matrix checkov check-code check-templates format lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv with everything, Node and the function layer included (no-op when done)

$(STAMP): requirements.lock lambdas/layer-requirements.lock lambdas/plots-requirements.lock pyproject.toml scripts/setup.sh scripts/build_layer.py
	@PYTHON="$(PYTHON)" sh scripts/setup.sh

local: $(STAMP) ## Show a good release promoted and a bad one rolled back, on this machine
	@$(BIN)/canary local --scenario good
	@$(BIN)/canary local --scenario errors

test: $(STAMP) ## Run every test: most side by side, then those that need the whole machine
	@$(BIN)/pytest -n auto --dist loadfile -m "not region and not scenario"
	@$(BIN)/pytest -m region

scenarios: $(STAMP) ## Run every scenario to its end in the embedded region (an hour; nothing else may run beside it)
	@$(BIN)/pytest -m scenario -v

synth: $(STAMP) ## Synthesize every region of the policy into cdk.out (cdk-nag included)
	@$(BIN)/python app.py

costs: synth ## Write the estimate of a month's costs into docs/how-to/deploy.md anew
	@$(BIN)/python scripts/estimate_costs.py

review: synth ## Write the page for who approves the templates to cdk.out/review.md; BASE=directory says what changes
	@$(BIN)/canary review $(if $(BASE),--base $(BASE)) --output cdk.out/review.md && echo cdk.out/review.md

permissions: synth ## Write docs/reference/permissions.md anew from the templates
	@$(BIN)/canary review --permissions --output docs/reference/permissions.md

events: $(STAMP) ## Write docs/reference/events.md anew from the schema of events
	@$(BIN)/python scripts/document_events.py

api-reference: $(STAMP) ## Write docs/reference/api.md anew from the code
	@$(BIN)/python scripts/api_reference.py

FIGURES := docs/explanation/figures
RELEASES ?= 1000

error-rates: $(STAMP) ## Measure the policy's error rates anew and write them into the documents (an hour on 2 cores)
	@mkdir -p $(FIGURES)
	$(BIN)/canary simulate --world null --releases 10000 --json > $(FIGURES)/null.jsonl
	-$(BIN)/canary simulate --targets --releases $(RELEASES) --plots $(FIGURES)/worlds --json > $(FIGURES)/targets.jsonl
	$(BIN)/canary simulate --effects -3,-2,-1,-0.5,-0.25,0,0.25,0.5,0.75,1,1.25,1.5,2,3 --releases $(RELEASES) --plots $(FIGURES) --json > $(FIGURES)/effects.jsonl
	$(BIN)/canary simulate --compare --releases $(RELEASES) --json > $(FIGURES)/compare.jsonl
	$(BIN)/python benchmarks/alarm_certainty.py $(RELEASES) > $(FIGURES)/alarm-certainty.txt
	$(BIN)/python scripts/error_rates.py

bench-bandits: $(STAMP) ## Measure the bandits beside mabwiser: regret, floor, coverage, false resets (some minutes)
	@$(BIN)/python benchmarks/bandits.py

bench-requests: $(STAMP) ## Measure the request path beside LiteLLM's proxy (an environment of its own) and bare hops
	@$(BIN)/python -m benchmarks.request_path

bench-rollback: $(STAMP) ## Measure fifty rollbacks of an embedded region under load, and the function's import beside the SDK's
	@$(BIN)/python -m benchmarks.rollback $(if $(ROLLBACKS),--rollbacks $(ROLLBACKS))

fault-matrix: $(STAMP) ## Break every AWS call of the release functions in every way (some minutes); 1 if one is unsafe or lost
	@$(BIN)/python -m tests.lambdas.faults.matrix

checkov: $(STAMP) ## Run checkov over cdk.out; checkov.toml says what it is told not to mind, and why
	@$(BIN)/python scripts/run_checkov.py

check: $(STAMP) ## Format, lint, types, import contracts, policy, synth with cdk-nag, cfn-lint, checkov
	@$(MAKE) --no-print-directory -j2 --output-sync=line check-code check-templates

check-code: $(STAMP) # two halves, side by side: one is about the source, one about what it synthesizes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy canary stacks services lambdas app.py
	$(BIN)/lint-imports
	$(BIN)/canary policy check policy/mangaassist.toml

check-templates: $(STAMP)
	$(BIN)/python app.py
	$(BIN)/cfn-lint 'cdk.out/**/*.template.json'
	$(BIN)/python scripts/run_checkov.py

format: $(STAMP) ## Format and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(STAMP) ## Resolve the dependencies anew (needs a package index)
	$(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --all-extras -q pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --universal --no-emit-index-url --no-header --no-annotate --python-version 3.11 -q -c requirements.lock pyproject.toml -o requirements.txt

clean: ## Remove what setup, synth and runs made
	rm -rf .venv .build cdk.out .canary
