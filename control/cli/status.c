// SPDX-License-Identifier: BSD-3-Clause

#include "control/cli/call.h"
#include "control/cli/print.h"
#include "control/cli/reply.h"

#include <pwd.h>
#include <string.h>
#include <time.h>

static void print_revision(const json_t *revision)
{
	uint64_t age = (uint64_t)time(NULL) - reply_number(revision, "time");
	const struct passwd *pw = getpwuid((uid_t)reply_number(revision, "uid"));

	printf("revision   %" PRIu64 ", published %s by %s (%s ago)\n",
		reply_number(revision, "number"),
		cell_time((int64_t)reply_number(revision, "time")).text,
		pw != NULL ? pw->pw_name : "?",
		age > 0 ? cell_duration(age * UINT64_C(1000000000)).text : "a moment");
	if (reply_text(revision, "comment")[0] != '\0')
		printf("           %s\n", reply_text(revision, "comment"));
	printf("           %s, %s, %s; federation %s, SIP %s\n",
		cell_count(reply_number(revision, "names"), "name").text,
		cell_count(reply_number(revision, "patterns"), "pattern").text,
		cell_count(reply_number(revision, "peers"), "peer").text,
		reply_is(revision, "federation") ? "on" : "off",
		reply_is(revision, "sip") ? "on" : "off");
}

static void print_certificates(const json_t *certificates)
{
	if (json_is_integer(json_object_get(certificates, "expire")))
		printf("TLS        the first certificate expires %s\n",
			cell_time((int64_t)reply_number(certificates, "expire")).text);
	if (reply_text(certificates, "trouble")[0] != '\0')
		printf("TLS        %s\n", reply_text(certificates, "trouble"));
}

static void print_workers(const json_t *workers)
{
	struct table *t = table_new("worker>|core>|node>|generation>|up to date|seen>|round trip>");
	const json_t *w;
	size_t i;

	for (i = 0; (w = json_array_get(workers, i)) != NULL; i++) {
		const json_t *age = json_object_get(w, "age_ns");
		struct cell c[6] = {
			cell_number(reply_number(w, "worker")),
			cell_number(reply_number(w, "core")),
			cell_number(reply_number(w, "numa_node")),
			cell_number(reply_number(w, "generation")),
			cell_duration(reply_number(w, "age_ns")),
			cell_duration(reply_number(w, "round_trip_ns")),
		};
		const char *cells[] = {c[0].text, c[1].text, c[2].text, c[3].text,
			reply_is(w, "up_to_date") ? "yes" : "no",
			json_is_integer(age) ? c[4].text : "never",
			reply_number(w, "round_trip_ns") > 0 ? c[5].text : "-"};

		table_add(t, cells);
	}
	table_print(t);
}

static void print_listeners(const json_t *listeners)
{
	struct table *t = table_new("listener|side|address");
	const json_t *l;
	size_t i;

	for (i = 0; (l = json_array_get(listeners, i)) != NULL; i++) {
		const char *cells[] = {
			reply_text(l, "name"), reply_text(l, "side"), reply_text(l, "address")};

		table_add(t, cells);
	}
	table_print(t);
}

static void print_status(const json_t *status)
{
	const json_t *revision = json_object_get(status, "revision");
	const json_t *dataplane = json_object_get(status, "dataplane");

	printf("control    version %s\n", reply_text(status, "version"));
	if (reply_is(status, "attached"))
		printf("dataplane  attached, version %s, generation %" PRIu64 "%s\n",
			reply_text(dataplane, "version"), reply_number(status, "generation"),
			reply_is(status, "in_force")                      ? ""
				: reply_number(status, "generation") == 0 ? " (no policy)"
									  : " (not the newest)");
	else
		printf("dataplane  not attached%s%s\n",
			reply_text(dataplane, "last_error")[0] != '\0' ? ": " : "",
			reply_text(dataplane, "last_error"));
	if (json_is_object(revision))
		print_revision(revision);
	else
		puts("revision   none has been published");
	if (reply_text(status, "trouble")[0] != '\0')
		printf("trouble    %s\n", reply_text(status, "trouble"));
	print_certificates(json_object_get(status, "certificates"));
	if (reply_is(status, "attached")) {
		puts("");
		print_workers(json_object_get(dataplane, "workers"));
		puts("");
		print_listeners(json_object_get(dataplane, "listeners"));
	}
}

int status_run(const struct fedctl *f, int argc, char *argv[])
{
	json_t *reply;
	int exit_code;

	(void)argv;
	if (argc != 1)
		return usage_error("status takes no arguments");
	reply = call_and_check(f, json_pack("{s:s}", "command", "status"), &exit_code);
	if (reply != NULL)
		print_status(reply);
	json_decref(reply);
	return exit_code;
}
