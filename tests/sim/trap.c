#include "tests/sim/trap.h"
void sim_trap_link_state(struct sim_node *sw)
{
	(void)sw;
}
void sim_trap_capability(struct sim_port *port)
{
	(void)port;
}
void sim_trap_pkey(struct sim_port *port, const struct sim_packet *packet)
{
	(void)port;
	(void)packet;
}
void sim_trap_switch_pkey(struct sim_port *port, const struct sim_packet *packet)
{
	(void)port;
	(void)packet;
}
void sim_trap_forget(struct sim_port *port)
{
	(void)port;
}
void sim_trap_free(struct sim_port *port)
{
	(void)port;
}
void sim_trap_repress(struct sim_port *at, const struct sim_packet *packet)
{
	(void)at;
	(void)packet;
}
