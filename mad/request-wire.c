/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

#include "mad/request-wire.h"

#include <string.h>

/* While it is in doubt which of two M_Keys a port has: silence may mean that it was the other. */
static uint64_t mkey_of(const struct request *request, unsigned try)
{
	return try % 2 && request->other_mkey ? request->other_mkey : request->mkey;
}

void request_write(const struct request *request, const struct sma *sma, unsigned try, bool to_lid,
		   struct datagram *ret)
{
	wire_start(ret, to_lid ? CLASS_SM_LID : CLASS_SM_DIRECTED, request->method, request->attr,
		   request->modifier);
	wire_set(ret, SMP_MKEY, mkey_of(request, try));
	if (!to_lid && request->has_route)
		wire_set_route(ret, request->route, request->hops);
	else if (!to_lid)
		wire_set_route(ret, sma->route, sma->hops);
	memcpy(smp_data_of(ret), request->data, SMP_DATA_SIZE);
}

/* The class of the try, and a directed route on its way back. */
static bool answers_route(const struct datagram *d, bool by_lid)
{
	uint8_t mgmt_class = (uint8_t)wire_get(d, MAD_CLASS);

	if (by_lid)
		return mgmt_class == CLASS_SM_LID;

	return mgmt_class == CLASS_SM_DIRECTED && wire_get(d, SMP_DIRECTION) == 1;
}

bool request_is_answered_by(const struct request *request, bool by_lid, const struct datagram *d)
{
	return wire_get(d, MAD_BASE_VERSION) == 1 &&
	       wire_get(d, MAD_CLASS_VERSION) == CLASS_SM_VERSION &&
	       wire_get(d, MAD_METHOD) == METHOD_GET_RESPONSE &&
	       wire_get(d, MAD_ATTR) == request->attr &&
	       wire_get(d, MAD_MODIFIER) == request->modifier && answers_route(d, by_lid);
}
