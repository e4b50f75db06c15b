// SPDX-License-Identifier: BSD-3-Clause
// What egress asks of the streams that its connections are.

#include "dataplane/relay/streams_state.h"

#include <errno.h>

static bool tell_control(void *arg, const struct link_message *m)
{
	struct streams *s = arg;

	return s->config.tell_control(s->config.arg, m, false);
}

static size_t write_probe(void *arg, tcp_conn_id conn, uint8_t out[EGRESS_PROBE_BYTES])
{
	struct streams *s = arg;
	const struct stream *st = stream_of(s, conn);
	struct endpoint remote;

	if (st == NULL)
		return 0;
	remote = stream_remote(st);
	return relay_write_probe(
		s->config.relay, st->listener, &remote, conn ^ s->salt, out, EGRESS_PROBE_BYTES);
}

static bool has_hop(void *arg, const struct endpoint *remote, struct view domain)
{
	struct streams *s = arg;

	return relay_has_hop(s->config.relay, remote, domain);
}

static void close_conn(void *arg, tcp_conn_id conn, enum reason reason, uint64_t now)
{
	struct streams *s = arg;
	struct stream *st = stream_of(s, conn);

	if (st != NULL)
		stream_close(s, st, reason, now);
	else
		tcp_abort(s->config.tcp, conn, reason);
}

static bool proves(void *arg, tcp_conn_id conn, struct view domain)
{
	struct streams *s = arg;

	return relay_proves(s->config.relay, session_card(s->sessions, conn, NULL), domain);
}

int streams_open_egress(struct streams *s)
{
	struct egress_config config = {0};

	egress_config_default(&config);
	config.tcp = s->config.tcp;
	config.sessions = s->sessions;
	config.backlogs = s->backlogs;
	config.write_probe = write_probe;
	config.send_bytes_max = s->config.send_bytes_max;
	config.host = s->config.host;
	config.counters = s->config.counters;
	config.worker = s->config.worker;
	config.n_workers = s->config.n_workers;
	config.waiting_of_all = s->config.n_waiting;
	config.waiting_of_target = s->config.waiting_of_target;
	config.key = s->config.key;
	config.refuse = streams_refuse;
	config.retire = worn_retire;
	config.proves = proves;
	config.close = close_conn;
	config.tell_control = tell_control;
	config.has_hop = has_hop;
	config.arg = s;
	s->egress = egress_new(&config);
	return s->egress != NULL ? 0 : -errno;
}
