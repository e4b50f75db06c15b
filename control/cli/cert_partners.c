// SPDX-License-Identifier: BSD-3-Clause
// Whose certificate would fail under a stricter EKU policy (FEATURES T6): of all that have a
// session now. The facts are their identity cards': they outlive control.

#include "control/cli/call.h"
#include "control/cli/cert.h"
#include "control/cli/print.h"
#include "control/cli/reply.h"
#include "control/cli/sessions.h"

// One certificate, and how many sessions it has.
static json_t *partner_of(json_t *partners, const json_t *identity)
{
	json_t *partner;
	size_t i;

	for (i = 0; (partner = json_array_get(partners, i)) != NULL; i++) {
		if (strcmp(reply_text(partner, "fingerprint"),
			    reply_text(identity, "fingerprint")) == 0)
			return partner;
	}
	partner = json_deep_copy(identity);
	json_object_set_new(partner, "sessions", json_integer(0));
	json_array_append_new(partners, partner);
	return partner;
}

static json_t *partners_of(const json_t *sessions)
{
	json_t *partners = json_array(), *partner;
	const json_t *session;
	size_t i;

	for (i = 0; (session = json_array_get(sessions, i)) != NULL; i++) {
		const json_t *identity = json_object_get(session, "identity");

		if (!json_is_object(json_object_get(identity, "eku")))
			continue;
		partner = partner_of(partners, identity);
		json_object_set_new(partner, "sessions",
			json_integer((json_int_t)reply_number(partner, "sessions") + 1));
	}
	return partners;
}

// "yes", or as what it would be refused under a policy.
static const char *verdict(const json_t *eku, const char *policy)
{
	const json_t *fails = json_object_get(eku, "fails"), *f;
	bool client = false, server = false;
	size_t i;

	for (i = 0; (f = json_array_get(fails, i)) != NULL; i++) {
		if (strcmp(reply_text(f, "policy"), policy) != 0)
			continue;
		client = client || strcmp(reply_text(f, "as"), "client") == 0;
		server = server || strcmp(reply_text(f, "as"), "server") == 0;
	}
	if (client && server)
		return "fails";
	return client ? "fails as a client" : server ? "fails as a server" : "passes";
}

static void print_partners(const json_t *partners)
{
	struct table *t = table_new("partner|issuer|sessions>|serverAuth|clientAuth|require server|"
				    "strict");
	const json_t *partner;
	size_t i, n = 0;

	for (i = 0; (partner = json_array_get(partners, i)) != NULL; i++) {
		const json_t *eku = json_object_get(partner, "eku");
		struct cell name = identity_cell(partner);
		struct cell sessions = cell_number(reply_number(partner, "sessions"));
		const char *cells[] = {name.text, reply_text(partner, "issuer"), sessions.text,
			reply_is(eku, "server_auth") ? "yes" : "no",
			reply_is(eku, "client_auth") ? "yes" : "no", verdict(eku, "require server"),
			verdict(eku, "strict")};

		table_add(t, cells);
		n += json_array_size(json_object_get(eku, "fails")) > 0;
	}
	table_print(t);
	printf("%s with a session now, %zu of them would fail under a policy\n",
		cell_count(json_array_size(partners), "certificate").text, n);
}

int cert_partners_run(const struct fedctl *f, int argc, char *argv[])
{
	json_t *reply, *partners;
	int exit_code;

	(void)argv;
	if (argc != 1)
		return usage_error("cert partners takes no arguments");
	reply = call(f, json_pack("{s:s}", "command", "sessions"), NULL, 0);
	if (reply == NULL)
		return FEDCTL_UNREACHABLE;
	exit_code = reply_is(reply, "ok") ? FEDCTL_OK : FEDCTL_FAILED;
	partners = partners_of(json_object_get(reply, "sessions"));
	if (exit_code == FEDCTL_FAILED)
		fprintf(stderr, "fedctl: %s\n", reply_text(reply, "error"));
	else if (f->json)
		print_json(json_pack("{s:b, s:O}", "ok", 1, "partners", partners));
	else
		print_partners(partners);
	json_decref(partners);
	json_decref(reply);
	return exit_code;
}
