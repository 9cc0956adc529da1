# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The daemon's surroundings: the loop, the journal, the units, and vsm.c with main().

libvsm_a_SOURCES += systemd/jobs.c systemd/jobs.h
libvsm_a_SOURCES += systemd/journal.c systemd/journal.h
libvsm_a_SOURCES += systemd/loop.c systemd/loop.h
libvsm_a_SOURCES += systemd/notify.c systemd/notify.h
libvsm_a_SOURCES += systemd/options.c systemd/options.h
libvsm_a_SOURCES += systemd/progress.c systemd/progress.h

sbin_PROGRAMS += vsm
vsm_SOURCES = systemd/vsm.c
vsm_LDADD = $(VSM_LIBS)

# ---- what systemd and udev read -----------------------------------------------------------------

EXTRA_DIST += systemd/vsm.service.in systemd/vsm.sysusers systemd/70-vsm.rules
CLEANFILES += systemd/vsm.service
nodist_systemdsystemunit_DATA = systemd/vsm.service
udevrules_DATA = systemd/70-vsm.rules

systemd/vsm.service: systemd/vsm.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) systemd && \
		sed 's|@sbindir[@]|$(sbindir)|g' $(srcdir)/systemd/vsm.service.in >$@

# systemd-sysusers wants its own suffix.
install-data-local:
	$(MKDIR_P) '$(DESTDIR)$(sysusersdir)'
	$(INSTALL_DATA) $(srcdir)/systemd/vsm.sysusers '$(DESTDIR)$(sysusersdir)/vsm.conf'
uninstall-local:
	rm -f '$(DESTDIR)$(sysusersdir)/vsm.conf'
