/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What every device answers by itself: the subnet management agent on QP0 (sma.c and its files) and
 * the performance management agent on QP1 (pma.c). Both turn a request into its answer in place.
 */

#include "tests/sim/fabric.h"

enum sim_outcome {
	SIM_ANSWER,   /* @packet is the answer now; LIDs and QPs are still those of the request */
	SIM_SILENCE,  /* consumed, or refused by M_Key: nothing leaves */
	SIM_NOT_OURS, /* for software at this port */
};

/* @at is the port that it came in by; port 0 of a switch, or the port itself, if from here. */
enum sim_outcome sim_sma(struct sim_port *at, struct sim_packet *packet);
enum sim_outcome sim_pma(struct sim_port *at, struct sim_packet *packet);

/* @packet is the answer with @status: method, direction bit. The data stays as it is. */
void sim_answer(struct sim_packet *packet, enum sim_status status);
