# SPDX-License-Identifier: Apache-2.0
# For machines without ROS: everything runs in a virtual environment that is made, completed or repaired as needed.

# Any python3 will do here: the set-up looks for 3.11 or 3.12 itself.
PYTHON ?= python3
VENV ?= .venv
export IDE3D_VENV := $(abspath $(VENV))

set_up := $(PYTHON) tools/setup_environment.py --venv $(VENV) --groups
in_environment := tools/run

.DEFAULT_GOAL := help
.PHONY: help demo test lint clean

help: ## Print this list.
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

demo: ## A camera in a simulated room drives the ROS nodes; results go to demo_output/.
	$(set_up) ros,simulation
	$(in_environment) ide3d demo --output demo_output

test: ## Check the import rules and run all tests.
	$(set_up) ros,simulation,training,tensorrt,dev
	$(in_environment) lint-imports --no-cache
	$(in_environment) pytest

lint: ## Check style and the import rules.
	$(set_up) ros,simulation,training,dev
	$(in_environment) ruff check .
	$(in_environment) lint-imports --no-cache

clean: ## Remove the environment and everything the commands above made.
	rm -rf $(VENV) $(VENV).lock demo_output build install log .pytest_cache .hypothesis .ruff_cache .import_linter_cache
