#include "tests/sim/faults.h"
enum sim_drop sim_fault_wire(struct sim_port *out, struct sim_packet *packet, struct sim_fate *fate)
{
	(void)out;
	(void)packet;
	(void)fate;
	return SIM_PASSED;
}
bool sim_fault_request(struct sim_port *at, struct sim_packet *packet)
{
	(void)at;
	(void)packet;
	return true;
}
bool sim_fault_answer(struct sim_port *at, struct sim_packet *packet, uint8_t method)
{
	(void)method;
	(void)at;
	(void)packet;
	return true;
}
bool sim_fault_forgets(struct sim_port *at, const struct sim_packet *packet)
{
	(void)at;
	(void)packet;
	return false;
}
void sim_faults_free(struct sim_node *node)
{
	(void)node;
}
void sim_fault_power(struct sim_node *node)
{
	(void)node;
}
