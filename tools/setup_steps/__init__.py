# SPDX-License-Identifier: Apache-2.0
"""The steps of setting up the project where no ROS is installed.

Standard library only, and syntax of Python 3.8 on: these modules run before anything is installed, on
whatever `python3` the machine has, so that even a Python too old for the project gets a sentence and not a
SyntaxError.
"""
