/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What one wants to know of a virtual function that does not work, and what to type.
 */

#include "ctl/vf-row.h"

/*
 * The VF as a row, and besides: "tried" (see tried.h), "same_guid" (others that have its GUID),
 * "pf_problem" (of the physical port, or null), "limit" ("max" VFs there, by which "entry" of
 * virtual_functions for which "ports"; 0: that is all that there is room for; null: there are not
 * too many), "lid_index" and "revision" of vports, "commands" (lines for a shell, those that begin
 * with # say where).
 */
json_t *vf_explain(const struct call *call, const struct vf_place *place);

/*
 * The VFs of a physical port: "active", "not_active" and "not_started" in numbers, and those that
 * are not Active as rows, "problems". If virtualization as a whole does not work there "reason",
 * "sentence", "remedy", and "revision" and "status" of the device. NULL: it has no VFs.
 */
json_t *vf_explain_all_of(const struct call *call, uint32_t pf);
