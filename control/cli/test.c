// SPDX-License-Identifier: BSD-3-Clause

#include "control/cli/call.h"
#include "control/cli/print.h"
#include "control/cli/reply.h"

static void print_hop(const json_t *hop)
{
	const json_t *stages = json_object_get(hop, "stages"), *stage;
	struct table *t = table_new("stage|result|time>|");
	const char *what = "";
	size_t i;

	printf("%s:%s by %s: %s\n", reply_text(hop, "transport"), reply_text(hop, "hop"),
		reply_text(hop, "listener_name"), reply_is(hop, "passed") ? "passed" : "failed");
	for (i = 0; (stage = json_array_get(stages, i)) != NULL; i++) {
		const char *result = reply_text(stage, "result");
		bool reached = strcmp(result, "ok") == 0 || strcmp(result, "failed") == 0;
		struct cell took = cell_duration(reply_number(stage, "ns"));
		const char *cells[] = {reply_text(stage, "stage"), result, reached ? took.text : "",
			reply_text(stage, "text")};
		if (strcmp(result, "skipped") != 0)
			table_add(t, cells);
		if (reply_text(stage, "diagnosis")[0] != '\0')
			what = reply_text(stage, "diagnosis");
	}
	table_print(t);
	if (what[0] != '\0')
		printf("%s\n", what);
	puts("");
}

static json_t *question(int argc, char *argv[])
{
	json_t *request = json_pack("{s:s, s:s}", "command", "test", "domain", argv[2]);

	if (argc == 5)
		json_object_set_new(request, "from", json_string(argv[4]));
	return request;
}

int test_run(const struct fedctl *f, int argc, char *argv[])
{
	const json_t *hops, *hop;
	json_t *reply;
	bool passed;
	size_t i;

	if ((argc != 3 && argc != 5) || strcmp(argv[1], "partner") != 0 ||
		(argc == 5 && strcmp(argv[3], "--from") != 0))
		return usage_error("test takes: partner DOMAIN [--from DOMAIN]");
	reply = call(f, question(argc, argv), NULL, 0);
	if (reply == NULL)
		return FEDCTL_UNREACHABLE;
	passed = reply_is(reply, "ok");
	if (f->json) {
		print_json(reply);
		return passed ? FEDCTL_OK : FEDCTL_FAILED;
	}
	hops = json_object_get(reply, "hops");
	for (i = 0; (hop = json_array_get(hops, i)) != NULL; i++)
		print_hop(hop);
	if (!passed)
		fprintf(stderr, "fedctl: %s\n", reply_text(reply, "error"));
	json_decref(reply);
	return passed ? FEDCTL_OK : FEDCTL_FAILED;
}
