#include "tests/sim/agent.h"
void sim_answer(struct sim_packet *p, enum sim_status status)
{
	p->mad.method = SIM_GET_RESP;
	p->mad.status =
		htobe16((uint16_t)(status | (p->mad.mgmt_class == SIM_CLASS_DR ? 0x8000 : 0)));
}
enum sim_outcome sim_sma(struct sim_port *at, struct sim_packet *p)
{
	ib_node_info_t *info = (ib_node_info_t *)p->smp.data;
	if (p->mad.method != SIM_GET)
		return SIM_NOT_OURS;
	if (p->mad.attr_id != htobe16(0x11))
		return SIM_NOT_OURS;
	*info = at->node->info;
	info->port_num_vendor_id |= htobe32((uint32_t)at->number << 24);
	info->port_guid = htobe64(sim_end_port(at)->guid);
	sim_answer(p, SIM_OK);
	return SIM_ANSWER;
}
