# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The control socket (libvsm_a_SOURCES) and vsmctl, its client.

libvsm_a_SOURCES += ctl/applied.c ctl/applied.h
libvsm_a_SOURCES += ctl/control.c ctl/control.h ctl/protocol.h
libvsm_a_SOURCES += ctl/listener.c ctl/listener.h
libvsm_a_SOURCES += ctl/reserved.c ctl/reserved.h
libvsm_a_SOURCES += ctl/role.c ctl/role.h
libvsm_a_SOURCES += ctl/rpc.c ctl/rpc.h
libvsm_a_SOURCES += ctl/later.c ctl/later.h
libvsm_a_SOURCES += ctl/row.c ctl/row.h
libvsm_a_SOURCES += ctl/names.c ctl/names.h
libvsm_a_SOURCES += ctl/find.c ctl/find.h
libvsm_a_SOURCES += ctl/tried.c ctl/tried.h
libvsm_a_SOURCES += ctl/vf-advice.c ctl/vf-advice.h
libvsm_a_SOURCES += ctl/vf-place.c ctl/vf-place.h
libvsm_a_SOURCES += ctl/vf-row.c ctl/vf-row.h
libvsm_a_SOURCES += ctl/place.c ctl/place.h
libvsm_a_SOURCES += ctl/pkeys.c ctl/pkeys.h
libvsm_a_SOURCES += ctl/dump.c ctl/dump.h
libvsm_a_SOURCES += ctl/dump-file.c ctl/dump-file.h
libvsm_a_SOURCES += ctl/dump-picture.c ctl/dump-picture.h
libvsm_a_SOURCES += ctl/dumper.c ctl/dumper.h
libvsm_a_SOURCES += ctl/method-event.c
libvsm_a_SOURCES += ctl/method-explain.c
libvsm_a_SOURCES += ctl/method-fabric.c
libvsm_a_SOURCES += ctl/group-row.h ctl/method-group.c
libvsm_a_SOURCES += ctl/method-partition.c
libvsm_a_SOURCES += ctl/method-partition-change.c
libvsm_a_SOURCES += ctl/method-partition-show.c
libvsm_a_SOURCES += ctl/method-registration.c
libvsm_a_SOURCES += ctl/method-reservation.c
libvsm_a_SOURCES += ctl/method-route.c
libvsm_a_SOURCES += ctl/method-status.c
libvsm_a_SOURCES += ctl/method-vf.c

bin_PROGRAMS += vsmctl
vsmctl_SOURCES = ctl/vsmctl.c ctl/vsmctl.h ctl/protocol.h
vsmctl_SOURCES += ctl/vsmctl-client.c
vsmctl_SOURCES += ctl/vsmctl-explain.c
vsmctl_SOURCES += ctl/vsmctl-group.c
vsmctl_SOURCES += ctl/vsmctl-help.c
vsmctl_SOURCES += ctl/vsmctl-partition.c
vsmctl_SOURCES += ctl/vsmctl-registration.c
vsmctl_SOURCES += ctl/vsmctl-route.c
vsmctl_SOURCES += ctl/vsmctl-show.c
vsmctl_SOURCES += ctl/vsmctl-status.c
vsmctl_SOURCES += ctl/vsmctl-table.c
vsmctl_SOURCES += ctl/vsmctl-text.c
vsmctl_SOURCES += ctl/vsmctl-verbs.c ctl/vsmctl-verbs.h
vsmctl_SOURCES += ctl/vsmctl-vf.c
vsmctl_LDADD = libvsm.a $(JANSSON_LIBS)

# bash looks for a file with the name of the command.
EXTRA_DIST += ctl/vsmctl.bash-completion
nodist_bashcompletion_DATA = ctl/completion/vsmctl
CLEANFILES += ctl/completion/vsmctl
ctl/completion/vsmctl: ctl/vsmctl.bash-completion
	$(AM_V_GEN)$(MKDIR_P) ctl/completion && cp $(srcdir)/ctl/vsmctl.bash-completion $@
