/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

#include "tests/sim/sma.h"

#include <string.h>

enum sim_status sim_node_info(struct sim_ask *ask)
{
	ib_node_info_t info = ask->node->info;

	info.port_num_vendor_id |= htobe32((uint32_t)ask->in->number << 24);
	info.port_guid = htobe64(ask->end->guid);
	memset(ask->data, 0, IB_SMP_DATA_SIZE);
	memcpy(ask->data, &info, sizeof(info));
	return SIM_OK;
}

enum sim_status sim_node_description(struct sim_ask *ask)
{
	memcpy(ask->data, &ask->node->desc, sizeof(ask->node->desc));
	return SIM_OK;
}

enum sim_status sim_port_info(struct sim_ask *ask)
{
	(void)ask;
	return SIM_BAD_ATTRIBUTE;
}
