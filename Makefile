# make demo    set up what is missing, then rehearse the example district
# make test    set up what is missing, then everything that must hold before a change is merged

.DEFAULT_GOAL := help
.PHONY: help setup openstack python demo test test-all chaos lint unit fuzz real bench sbom clean

bin := .venv/bin
export PATH := $(CURDIR)/.venv/bin:$(PATH)
stage = @printf '\n== %s ==\n' '$(1)'

help:  ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 12

setup:  ## Debian packages, virtual environment, images of hosts, Pulumi's engine; a second run does nothing
	@scripts/setup.sh

openstack: setup  ## Pulumi's provider for OpenStack, where PATH has none; else it is built when a world first needs it
	@$(bin)/python -m infra.parts openstack

python:  ## the virtual environment alone (no root needed)
	@scripts/setup.sh python

demo: setup  ## rehearse the example district in the twin and print what happened
	@$(bin)/zhenghe rehearse examples/yunhe

test: setup lint unit real  ## lint, types, import directions and all tests, the real ones included
	$(call stage,all stages passed)

test-all: export ZHENGHE_TEST_ALL = 1
test-all: test  ## the same, with the exhaustive walks whole: `make test` takes a part of them, another one each commit

lint: python  ## style, types (strict) and import directions
	$(call stage,style)
	@$(bin)/ruff check --quiet .
	$(call stage,types)
	@$(bin)/mypy
	$(call stage,import directions)
	@$(bin)/lint-imports --no-logo

unit: python  ## tests that need no root
	$(call stage,unit tests)
	@$(bin)/pytest -q -n 2 -m 'not real and not chaos'

fuzz: python  ## the generated tests anew, with other examples each time; what fails is kept and tried first
	@HYPOTHESIS_PROFILE=fuzz $(bin)/pytest -q -n 2 tests/laws tests/unit -m 'not real and not chaos'

real: setup  ## tests with real hosts, routers, engines
	$(call stage,tests with real parts)
	@$(bin)/pytest -q --durations=10 --durations-min=10 -m 'real or chaos'

chaos: export ZHENGHE_TEST_ALL = 1
chaos: setup  ## kills, stops, full disks and damaged files, all of them; ZHENGHE_TEST_SEED=7 tries one seed again
	$(call stage,chaos)
	@$(bin)/pytest -q --durations=10 -m chaos

bench: setup  ## what is promised in figures, each beside a peer or a physical limit (bench/README.md)
	@for each in cutover_database cutover_line ansible_step survey check plan run shadows site demo; do $(bin)/python -m bench.$$each || exit 1; done

sbom:  ## what the product consists of, as CycloneDX, from the lock files
	@python3 scripts/sbom.py > sbom.cdx.json && echo sbom.cdx.json

clean:  ## remove what builds and tests left in the checkout; the cache stays
	@rm -rf build dist reports .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
