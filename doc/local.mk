# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Man pages: dist_man_MANS; the rest: dist_doc_DATA.
dist_man_MANS += doc/vsm.8 doc/vsmctl.1 doc/vsm-run.1 doc/vsm-sim.1
dist_man_MANS += doc/vsm-partitions.5 doc/vsm-qos-policy.5
EXTRA_DIST += README.md doc/architecture.md
dist_doc_DATA += doc/virtual-functions.md doc/performance.md doc/sa.md
