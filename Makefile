# Each target is one script in .ci/, so that what a machine runs and what a person runs are the same.
.DEFAULT_GOAL := help
.PHONY: help run stop test lint lock messages bench chaos mutants clean

# Some machines forbid bytecode; every start would then compile everything again (3.6 s instead of 1.4 s).
unexport PYTHONDONTWRITEBYTECODE

help: ## Say what each target does
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' Makefile

run: ## Set up what is missing, then serve the demo at http://127.0.0.1:8000 (PORT changes it); Ctrl-C stops it
	@.ci/serve

stop: ## Stop the site that `make run` started
	@.ci/stop

test: ## Run the whole suite, set-up included: on SQLite, then on a real PostgreSQL and a real Redis
	@.ci/test

lint: ## Check style, format and the direction of imports
	@.ci/lint

lock: ## Resolve the dependencies of pyproject.toml again, with hashes
	@.ci/lock

messages: ## Collect the sentences to translate, and say which have no English yet
	@.ci/messages

bench: ## Measure speed against floors of the same run, in two minutes (DB=postgres; SECONDS=10 for each)
	@.ci/bench

chaos: ## Break everything while people share, and count what was lost (N=2000 SEED=1 DB=sqlite|postgres FAULTS=all)
	@.ci/chaos

mutants: ## Change delivery one small thing at a time, and count what the tests do not see (an hour or two)
	@.ci/mutants

clean: ## Remove what was built (.venv, caches); the data in var/ stays
	@.ci/clean
