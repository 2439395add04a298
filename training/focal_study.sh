#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Trains preset llmi3d twice, with and without the virtual camera, and compares the two through other lenses:
#   tools/run training/focal_study.sh OUTPUT [--smoke] [--set KEY=VALUE ...]
# What follows OUTPUT goes to ide3d-train. Interrupted, it goes on where it was.
set -e
: "${1:?usage: focal_study.sh OUTPUT [--smoke] [--set KEY=VALUE ...]}"
output=$1
shift
config=$(dirname "$0")/configs/nano_llmi3d.yaml
rooms=200
case " $* " in *" --smoke "*) rooms=4 ;; esac

ide3d-train --config "$config" --output "$output/virtual_run" "$@"
ide3d-train --config "$config" --output "$output/metric_run" "$@" --set network.focal_virtual=null
ide3d-export --run "$output/virtual_run" --output "$output/virtual" --name llmi3d_virtual
ide3d-export --run "$output/metric_run" --output "$output/metric" --name llmi3d_metric
ide3d-focal-study --bundle "$output/virtual" --bundle "$output/metric" --rooms "$rooms" --output "$output"
