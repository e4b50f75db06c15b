// SPDX-License-Identifier: BSD-3-Clause

#include "control/cli/sessions.h"
#include "control/cli/call.h"
#include "control/cli/print.h"
#include "control/cli/reply.h"

#define MS UINT64_C(1000000)

struct cell identity_cell(const json_t *identity)
{
	const json_t *names = json_object_get(identity, "names");
	const char *first = reply_text(json_array_get(names, 0), "domain");
	// Of a certificate with more than fit, too.
	const size_t n = json_array_size(names) + reply_number(identity, "left_out");
	struct cell c = {"-"};

	if (n > 1)
		snprintf(c.text, sizeof(c.text), "%.44s +%zu", first, n - 1);
	else if (n == 1)
		snprintf(c.text, sizeof(c.text), "%.60s", first);
	else if (json_is_object(identity))
		snprintf(c.text, sizeof(c.text), "%.60s", reply_text(identity, "subject"));
	return c;
}

// How the first of its domains was proved.
static const char *proof_of(const json_t *session)
{
	const json_t *identity = json_object_get(session, "identity");
	const json_t *name = json_array_get(json_object_get(identity, "names"), 0);

	if (!json_is_object(identity))
		return reply_is(session, "established") ? "none" : "";
	return name != NULL ? reply_text(name, "proof") : "fingerprint";
}

// What its certificate is permitted for; `fedctl cert partners` says who would fail.
static const char *eku_of(const json_t *session)
{
	const json_t *identity = json_object_get(session, "identity");
	const json_t *eku = json_object_get(identity, "eku");
	bool server = reply_is(eku, "server_auth"), client = reply_is(eku, "client_auth");

	if (!json_is_object(eku))
		return "";
	if (server && client)
		return "both";
	return server ? "server" : client ? "client" : "neither";
}

static void add_row(struct table *t, const json_t *session)
{
	struct cell listener = cell_number(reply_number(session, "listener"));
	const char *name = reply_text(session, "listener_name");
	struct cell c[] = {
		identity_cell(json_object_get(session, "identity")),
		cell_duration(reply_number(session, "age_ms") * MS),
		cell_number(reply_number(session, "received")),
		cell_number(reply_number(session, "sent")),
		cell_number(reply_number(session, "worker")),
	};
	const char *cells[] = {c[0].text, proof_of(session), eku_of(session),
		reply_text(session, "role"), reply_text(session, "remote"),
		name[0] != '\0' ? name : listener.text, reply_text(session, "version"),
		reply_text(session, "suite"), c[1].text, c[2].text, c[3].text, c[4].text,
		reply_text(session, "state")};

	table_add(t, cells);
}

static void print_sessions(const json_t *reply)
{
	const json_t *sessions = json_object_get(reply, "sessions"), *session;
	struct table *t = table_new("partner|identity|EKU|role|remote|listener|TLS|suite|age>|"
				    "received>|sent>|worker>|state");
	size_t i;

	for (i = 0; (session = json_array_get(sessions, i)) != NULL; i++)
		add_row(t, session);
	table_print(t);
	if (json_array_size(sessions) == 0)
		puts(reply_is(reply, "attached") ? "no sessions" : "no dataplane is attached");
	else if (!reply_is(reply, "complete"))
		puts("a worker has not yet told all");
	printf("handshakes: %s done, %s failed, %s refused\n",
		cell_number(reply_number(reply, "done")).text,
		cell_number(reply_number(reply, "failed")).text,
		cell_number(reply_number(reply, "refused")).text);
}

int sessions_run(const struct fedctl *f, int argc, char *argv[])
{
	json_t *reply;
	int exit_code;

	(void)argv;
	if (argc != 1)
		return usage_error("sessions takes no arguments");
	reply = call_and_check(f, json_pack("{s:s}", "command", "sessions"), &exit_code);
	if (reply != NULL)
		print_sessions(reply);
	json_decref(reply);
	return exit_code;
}
