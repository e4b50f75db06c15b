// SPDX-License-Identifier: BSD-3-Clause

#include "control/cli/fedctl.h"

#include "control/api/frame.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct verb {
	const char *name;
	int (*run)(const struct fedctl *f, int argc, char *argv[]);
	const char *arguments;
	const char *help; // lines after the first are indented under it
};

static int help_run(const struct fedctl *f, int argc, char *argv[]);

static int version_run(const struct fedctl *f, int argc, char *argv[])
{
	(void)argc;
	(void)argv;
	if (f->json)
		printf("{\"version\": \"%s\"}\n", FEDRELAY_VERSION);
	else
		printf("fedctl %s\n", FEDRELAY_VERSION);
	return FEDCTL_OK;
}

static const struct verb verbs[] = {
	{"publish", publish_run, "FILE [--comment TEXT] [--no-wait] [--dry-run]",
		"publish a federation document; returns when every worker judges by it\n"
		"--no-wait: when the dataplane took it; --dry-run: check and compile only"},
	{"check", check_run, "FILE", "check and compile a document here, without control"},
	{"status", status_run, "", "what is published, and what each worker judges by"},
	{"explain", explain_run,
		"FROM TO [METHOD] [--side inside|outside]\n[--source IP] [--as "
		"DOMAIN|HOST|FINGERPRINT]",
		"the verdict for a message, and how it comes about\n"
		"FROM and TO: SIP URIs or domains"},
	{"counters", counters_run, "[--all] [--worker N]",
		"frames and messages by what became of them"},
	{"hits", hits_run, "[--top N]", "how often each entry decided, most often first"},
	{"targets", targets_run, "", "next hops that workers connect to, and how that goes"},
	{"sessions", sessions_run, "", "TLS sessions: whose, since when, how many messages"},
	{"test", test_run, "partner DOMAIN [--from DOMAIN]",
		"connects to a partner's next hops, or looks at the\n"
		"connections there are: DNS, TCP, TLS, certificate,\n"
		"identity, OPTIONS; --from: whose certificate is shown"},
	{"revisions", revisions_run, "[--top N]", "what was published, when and by whom"},
	{"document", document_run, "[REVISION]",
		"the document that is published, as it was written"},
	{"core-map", core_map_run, "suggest | check FILE",
		"write a core map for this machine, or check one"},
	{"cert", cert_run,
		"request FILE --key KEY --csr CSR [--uri]\n"
		"[--certificate NAME | --domain NAME ...]\n"
		"[--host NAME] [--type p256|p384|rsa]\nshow PEM [--domain NAME]\npartners",
		"make a private key and a certificate request for the\n"
		"document's local domains, or those that show the\n"
		"certificate, or those named; needs no control\n"
		"what a certificate proves, and whose checks it passes\n"
		"whose certificate would fail under a stricter EKU policy"},
	{"dns", dns_run, "FILE [--host NAME] [--port N] [--address IP ...]",
		"the DNS records by which partners find the document's\n"
		"local domains; needs no control"},
	{"ports", ports_run, "FILE", "what a firewall must let through: listeners, next hops"},
	{"version", version_run, "", "print the version"},
	{"help", help_run, "[document]", "print this, or what a federation document may say"},
};

#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

// Left column, then the right one, line by line.
static void print_columns(const char *name, const char *left, const char *right)
{
	while (*left != '\0' || *right != '\0' || *name != '\0') {
		int n_left = (int)strcspn(left, "\n"), n_right = (int)strcspn(right, "\n");

		printf("  %-10s %-44.*s %.*s\n", name, n_left, left, n_right, right);
		name = "";
		left += n_left + (left[n_left] == '\n');
		right += n_right + (right[n_right] == '\n');
	}
}

static int help_run(const struct fedctl *f, int argc, char *argv[])
{
	(void)f;
	if (argc == 2 && strcmp(argv[1], "document") == 0) {
		help_document();
		return FEDCTL_OK;
	}
	if (argc > 1)
		return usage_error("help takes `document`, or nothing");
	puts("usage: fedctl [--json] [--socket PATH] COMMAND …\n");
	for (size_t i = 0; i < N_VERBS; i++)
		print_columns(verbs[i].name, verbs[i].arguments, verbs[i].help);
	puts("\n"
	     "  --json         print JSON, for programs\n"
	     "  --socket PATH  where control listens; else $FEDCTL_SOCKET, else\n"
	     "                 " FRAME_SOCKET_DEFAULT "\n"
	     "\n"
	     "exit code: 0 done, 1 refused or failed, 2 wrong usage, 3 control unreachable");
	return FEDCTL_OK;
}

int usage_error(const char *format, ...)
{
	va_list arguments;

	fputs("fedctl: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputs("; `fedctl help` shows how\n", stderr);
	return FEDCTL_USAGE;
}

bool parse_count(const char *text, unsigned long max, unsigned long *out)
{
	unsigned long value;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno != 0 || *end != '\0' || value == 0 || value > max)
		return false;
	*out = value;
	return true;
}

int parse_top(int argc, char *argv[], unsigned long max, unsigned long *top)
{
	static const struct option rows[] = {{"top", required_argument, NULL, 't'}, {0}};
	int option;

	while ((option = getopt_long(argc, argv, "", rows, NULL)) != -1) {
		if (option != 't' || !parse_count(optarg, max, top))
			return usage_error("--top needs a number from 1 to %lu", max);
	}
	return optind == argc ? FEDCTL_OK : usage_error("%s takes --top only", argv[0]);
}

// Takes fedctl's own options out of the arguments, wherever they stand; the rest is the verb's.
static int take_options(struct fedctl *f, int *argc, char *argv[])
{
	int n = 1;

	for (int i = 1; i < *argc; i++) {
		if (strcmp(argv[i], "--json") == 0) {
			f->json = true;
		} else if (strcmp(argv[i], "--socket") == 0) {
			if (i + 1 == *argc)
				return usage_error("--socket needs a path");
			f->socket = argv[++i];
		} else if (strncmp(argv[i], "--socket=", 9) == 0) {
			f->socket = argv[i] + 9;
		} else {
			argv[n++] = argv[i];
		}
	}
	argv[n] = NULL;
	*argc = n;
	return FEDCTL_OK;
}

int main(int argc, char *argv[])
{
	struct fedctl f = {.program = argv[0], .socket = getenv("FEDCTL_SOCKET")};
	const char *name;

	signal(SIGPIPE, SIG_IGN);
	if (f.socket == NULL || f.socket[0] == '\0')
		f.socket = FRAME_SOCKET_DEFAULT;
	if (take_options(&f, &argc, argv) != FEDCTL_OK)
		return FEDCTL_USAGE;
	if (argc < 2)
		return usage_error("a command is missing");
	name = argv[1];
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		name = "help";
	else if (strcmp(name, "--version") == 0)
		name = "version";
	for (size_t i = 0; i < N_VERBS; i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return verbs[i].run(&f, argc - 1, argv + 1);
	}
	return usage_error("%s is not a command", name);
}
