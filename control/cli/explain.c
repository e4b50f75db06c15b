// SPDX-License-Identifier: BSD-3-Clause

#include "control/cli/call.h"
#include "control/cli/print.h"
#include "control/cli/reply.h"

#include <getopt.h>
#include <string.h>

struct explain {
	const char *from, *to, *method, *side, *source, *as;
};

static bool parse(struct explain *e, int argc, char *argv[])
{
	static const struct option rows[] = {
		{"side", required_argument, NULL, 's'},
		{"source", required_argument, NULL, 'i'},
		{"as", required_argument, NULL, 'a'},
		{0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", rows, NULL)) != -1) {
		if (option == 's')
			e->side = optarg;
		else if (option == 'i')
			e->source = optarg;
		else if (option == 'a')
			e->as = optarg;
		else
			return false;
	}
	if (argc - optind < 2 || argc - optind > 3)
		return false;
	e->from = argv[optind];
	e->to = argv[optind + 1];
	e->method = argv[optind + 2]; // NULL after the last
	return true;
}

static void print_end(const char *label, const json_t *end)
{
	const char *domain = reply_text(end, "domain"), *match = reply_text(end, "match");

	printf("%-11s%s", label, domain[0] != '\0' ? domain : "(no valid domain)");
	if (strcmp(match, "none") == 0)
		puts(": on no list");
	else
		printf(": %s, by %s match: %s\n", reply_text(end, "list"), match,
			reply_rule(end, "rule").text);
}

static void print_explanation(const json_t *reply, const struct explain *e)
{
	bool allowed = reply_is(reply, "allowed");
	const json_t *hop;
	size_t i;

	printf("verdict    %s: %s (%s)\n", allowed ? "allowed" : "refused",
		reply_text(reply, "text"), reply_text(reply, "reason"));
	if (!allowed && reply_number(reply, "sip_status") > 0)
		printf("answer     SIP %" PRIu64 ", ms-diagnostics %" PRIu64 "\n",
			reply_number(reply, "sip_status"), reply_number(reply, "diagnostic"));
	printf("rule       %s\n", reply_rule(reply, "rule").text);
	print_end("from", json_object_get(reply, "from"));
	print_end("to", json_object_get(reply, "to"));
	printf("came in    %s%s%s%s%s\n", reply_text(reply, "side"),
		e->source != NULL       ? ", from "
			: e->as != NULL ? ""
					: ", source address not judged",
		e->source != NULL ? e->source : "", e->as != NULL ? ", having proved " : "",
		e->as != NULL ? e->as : "");
	if (allowed) {
		printf("leaves     %s, to", reply_text(reply, "egress"));
		for (i = 0; (hop = json_array_get(json_object_get(reply, "next_hops"), i)) != NULL;
			i++)
			printf("%s %s", i > 0 ? " or" : "", json_string_value(hop));
		puts("");
	}
	if (e->method != NULL)
		printf("method     %s: no rule of this policy depends on the method\n", e->method);
	printf("generation %" PRIu64 "%s\n", reply_number(reply, "generation"),
		reply_is(reply, "in_force") ? ""
					    : " (not in force: no dataplane judges by it yet)");
}

int explain_run(const struct fedctl *f, int argc, char *argv[])
{
	struct explain e = {0};
	json_t *reply;
	int exit_code;

	if (!parse(&e, argc, argv))
		return usage_error("explain needs FROM and TO, and perhaps a method");
	reply = call_and_check(f,
		json_pack("{s:s, s:s, s:s, s:s*, s:s*, s:s*, s:s*}", "command", "explain", "from",
			e.from, "to", e.to, "method", e.method, "side", e.side, "source", e.source,
			"as", e.as),
		&exit_code);
	if (reply != NULL)
		print_explanation(reply, &e);
	json_decref(reply);
	return exit_code;
}
