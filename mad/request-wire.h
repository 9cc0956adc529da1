/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* A request as a datagram, and whether another one is the answer to it. But for TIDs. */

#include "mad/request.h"

/* Try @try of it, counted from 0, to the LID of @sma or by directed route. */
void request_write(const struct request *request, const struct sma *sma, unsigned try, bool to_lid,
		   struct datagram *ret);

/* @by_lid: the try that it belongs to went to a LID. */
bool request_is_answered_by(const struct request *request, bool by_lid, const struct datagram *d);
