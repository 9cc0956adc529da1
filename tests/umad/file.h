/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "tests/umad/kmad.h"

/* The driver's ioctls: <rdma/ib_user_mad.h>, of which libibumad has no copy that is installed. */
#define UMAD_REGISTER_AGENT   0xc01c1b01u
#define UMAD_UNREGISTER_AGENT 0x40041b02u
#define UMAD_ENABLE_PKEY      0x00001b03u
#define UMAD_REGISTER_AGENT2  0xc0281b04u
#define UMAD_USER_RMPP        1u
