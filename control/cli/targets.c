// SPDX-License-Identifier: BSD-3-Clause

#include "control/cli/call.h"
#include "control/cli/print.h"
#include "control/cli/reply.h"

#define MS UINT64_C(1000000)

// "up" for how long, or how long it will not be tried, or nothing to say.
static struct cell state_of(const json_t *target)
{
	uint64_t back_off_ms = reply_number(target, "back_off_ms");
	struct cell c = {"idle"};

	if (reply_number(target, "up") > 0)
		snprintf(c.text, sizeof(c.text), "up %.40s",
			cell_duration(reply_number(target, "up_ms") * MS).text);
	else if (back_off_ms > 0)
		snprintf(c.text, sizeof(c.text), "backs off %.40s",
			cell_duration(back_off_ms * MS).text);
	return c;
}

static void print_targets(const json_t *reply)
{
	const json_t *targets = json_object_get(reply, "targets"), *target;
	struct table *t =
		table_new("target|listener|up>|state|failures>|opened>|ended>|failed>|lost "
			  "bytes>|last end");
	size_t i;

	for (i = 0; (target = json_array_get(targets, i)) != NULL; i++) {
		struct cell listener = cell_number(reply_number(target, "listener"));
		const char *name = reply_text(target, "listener_name");
		const char *of = reply_text(target, "name");
		struct cell c[] = {
			cell_number(reply_number(target, "up")),
			state_of(target),
			cell_number(reply_number(target, "failures")),
			cell_number(reply_number(target, "opened")),
			cell_number(reply_number(target, "ended")),
			cell_number(reply_number(target, "failed")),
			cell_number(reply_number(target, "lost_bytes")),
		};
		const char *cells[] = {of[0] != '\0' ? of : reply_text(target, "target"),
			name[0] != '\0' ? name : listener.text, c[0].text, c[1].text, c[2].text,
			c[3].text, c[4].text, c[5].text, c[6].text,
			reply_text(target, "reason_text")};

		table_add(t, cells);
	}
	table_print(t);
	if (json_array_size(targets) == 0)
		puts("no worker has asked for a connection yet");
	if (reply_number(reply, "unknown") > 0)
		printf("%s times a worker asked for a next hop that no peer has\n",
			cell_number(reply_number(reply, "unknown")).text);
}

int targets_run(const struct fedctl *f, int argc, char *argv[])
{
	json_t *reply;
	int exit_code;

	(void)argv;
	if (argc != 1)
		return usage_error("targets takes no arguments");
	reply = call_and_check(f, json_pack("{s:s}", "command", "targets"), &exit_code);
	if (reply != NULL)
		print_targets(reply);
	json_decref(reply);
	return exit_code;
}
