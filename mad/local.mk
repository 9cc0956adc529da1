# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The wire. The only room with <iba/...> and <infiniband/...>: hence libmad_a_SOURCES.

libmad_a_SOURCES += mad/loss.c mad/loss.h mad/pace.c mad/pace.h
libmad_a_SOURCES += mad/beat.c mad/beat.h
libmad_a_SOURCES += mad/request.c mad/request.h mad/request-wire.c mad/request-wire.h
libmad_a_SOURCES += mad/transport-umad.c mad/transport.h mad/gather.h
libmad_a_SOURCES += mad/wire.c mad/wire.h mad/wire.def mad/layout.h
