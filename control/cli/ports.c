// SPDX-License-Identifier: BSD-3-Clause
// What a firewall must let through (FEATURES O8): to the listeners of the dataplane that is
// attached, to the next hops of a document, and control's own.

#include "control/cli/call.h"
#include "control/cli/desk.h"
#include "control/cli/print.h"
#include "control/cli/reply.h"

#include <stdio.h>
#include <string.h>

struct rules {
	struct table *table;
	json_t *list;
};

static void add(struct rules *r, const char *direction, const char *protocol, const char *from,
	const char *to, const char *what)
{
	const char *cells[] = {direction, protocol, from, to, what};

	table_add(r->table, cells);
	json_array_append_new(r->list,
		json_pack("{s:s, s:s, s:s, s:s, s:s}", "direction", direction, "protocol", protocol,
			"from", from, "to", to, "what", what));
}

// A packet filter knows no TLS.
static const char *protocol_of(const char *transport)
{
	return strcmp(transport, "udp") == 0 ? "udp" : "tcp";
}

static void add_listeners(struct rules *r, const json_t *listeners)
{
	const json_t *l;
	char what[96];
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)listeners, i, l) {
		bool inside = strcmp(reply_text(l, "side"), "inside") == 0;

		snprintf(what, sizeof(what), "%.40s: SIP over %s", reply_text(l, "name"),
			reply_text(l, "transport"));
		add(r, "in", protocol_of(reply_text(l, "transport")),
			inside ? "our servers" : "partners", reply_text(l, "address"), what);
	}
}

static void add_hop(
	struct rules *r, const struct document_peer *peer, const struct document_hop *hop)
{
	const char *transport = transport_name((enum transport)hop->to.transport);
	char to[300], what[160];

	if (hop->host != NULL)
		snprintf(to, sizeof(to), "%s:%u", hop->host, hop->to.port);
	else
		endpoint_format(&hop->to, to);
	snprintf(what, sizeof(what), "%.60s, line %u: SIP over %s",
		peer->local ? "local_domains" : peer->name, peer->line, transport);
	add(r, "out", protocol_of(transport), "the relay", to, what);
}

static void add_hops(struct rules *r, const struct document *d)
{
	bool finds = false;

	for (size_t i = 0; i < d->n_peers; i++) {
		const struct document_peer *peer = &d->peers[i];

		for (size_t k = 0; k < peer->n_hops; k++) {
			add_hop(r, peer, &peer->hops[k]);
			finds = finds || peer->hops[k].host != NULL;
		}
		if (!peer->discovered)
			continue;
		add(r, "out", "tcp", "the relay", "any:5061, or as their SRV records say",
			peer->name);
		finds = true;
	}
	if (!finds)
		return;
	add(r, "out", "udp", "control's host", "its DNS servers:53", "names of next hops");
	add(r, "out", "tcp", "control's host", "its DNS servers:53", "long answers");
}

int ports_run(const struct fedctl *f, int argc, char *argv[])
{
	struct rules rules = {.list = json_array()};
	struct document *d;
	struct errors errors;
	json_t *status;

	if (argc != 2) {
		json_decref(rules.list);
		return usage_error("ports needs a document");
	}
	errors_init(&errors, argv[1]);
	d = desk_read_document(argv[1], &errors);
	if (d == NULL) {
		print_errors(&errors);
		json_decref(rules.list);
		return FEDCTL_FAILED;
	}
	status = call(f, json_pack("{s:s}", "command", "status"), NULL, 0);
	rules.table = table_new("|protocol|from|to|for");
	add_listeners(&rules, json_object_get(json_object_get(status, "dataplane"), "listeners"));
	add_hops(&rules, d);
	if (f->json) {
		print_json(json_pack("{s:b, s:b, s:O}", "ok", true, "listeners", status != NULL,
			"rules", rules.list));
	} else {
		table_print(rules.table);
		rules.table = NULL;
		if (json_array_size(json_object_get(
			    json_object_get(status, "dataplane"), "listeners")) == 0)
			puts("and to the listeners of the core map: no dataplane is attached that "
			     "could tell them");
	}
	json_decref(rules.list);
	json_decref(status);
	document_free(d);
	return FEDCTL_OK;
}
