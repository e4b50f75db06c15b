// SPDX-License-Identifier: BSD-3-Clause
// The DNS records by which partners find the document's local domains (FEATURES T4, O8), as a zone
// file has them.

#include "control/cli/desk.h"
#include "control/cli/fedctl.h"
#include "control/cli/print.h"

#include "lib/policy/domain.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define ADDRESSES_MAX 16
#define SIPS_PORT     5061
#define TTL_S         3600
#define NAME_BYTES    (DOMAIN_BYTES_MAX + 8)

struct options {
	const char *document, *host;
	unsigned long port;
	struct ip_addr addresses[ADDRESSES_MAX];
	size_t n_addresses;
};

// What is written: to a person as it comes, else gathered.
struct records {
	json_t *list; // NULL: printed
};

static int take_option(struct options *o, int option)
{
	switch (option) {
	case 'h':
		o->host = optarg;
		return FEDCTL_OK;
	case 'p':
		return parse_count(optarg, UINT16_MAX, &o->port)
			? FEDCTL_OK
			: usage_error("--port is a number from 1 to 65535");
	case 'a':
		if (o->n_addresses == ADDRESSES_MAX)
			return usage_error("more than %d addresses", ADDRESSES_MAX);
		return ip_parse(view_string(optarg), &o->addresses[o->n_addresses++]) == 0
			? FEDCTL_OK
			: usage_error("%s is no IP address", optarg);
	default:
		return usage_error("dns does not know an option of its command line");
	}
}

static int parse_options(struct options *o, int argc, char *argv[])
{
	static const struct option rows[] = {
		{"host", required_argument, NULL, 'h'},
		{"port", required_argument, NULL, 'p'},
		{"address", required_argument, NULL, 'a'},
		{0},
	};
	int option, result;

	*o = (struct options){.port = SIPS_PORT};
	while ((option = getopt_long(argc, argv, "", rows, NULL)) != -1) {
		result = take_option(o, option);
		if (result != FEDCTL_OK)
			return result;
	}
	o->document = argv[optind];
	if (optind + 1 != argc)
		return usage_error("dns needs a document");
	return FEDCTL_OK;
}

static void add(struct records *r, const char *name, const char *type, const char *data)
{
	if (r->list != NULL)
		json_array_append_new(r->list,
			json_pack("{s:s, s:i, s:s, s:s}", "name", name, "ttl", TTL_S, "type", type,
				"data", data));
	else
		printf("%s. %d IN %s %s\n", name, TTL_S, type, data);
}

// Addresses of the host: the caller's own to give, for the relay may stand behind a translator.
static void add_host(struct records *r, const struct options *o, const char *host)
{
	char text[IP_TEXT_BYTES];

	for (size_t i = 0; i < o->n_addresses; i++) {
		ip_format(&o->addresses[i], text);
		add(r, host, o->addresses[i].family == IP_V4 ? "A" : "AAAA", text);
	}
	if (o->n_addresses == 0 && r->list == NULL)
		printf("; and an A or AAAA record of %s with the relay's outside address "
		       "(--address)\n",
			host);
}

static void add_domain(struct records *r, const struct options *o, const char *domain)
{
	static const char *const services[] = {"_sipfederationtls._tcp", "_sips._tcp"};
	char host[NAME_BYTES], name[NAME_BYTES + 32], data[NAME_BYTES + 32];

	snprintf(host, sizeof(host), o->host != NULL ? "%s" : "sip.%s",
		o->host != NULL ? o->host : domain);
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		snprintf(name, sizeof(name), "%s.%s", services[i], domain);
		snprintf(data, sizeof(data), "0 0 %lu %s.", o->port, host);
		add(r, name, "SRV", data);
	}
	if (o->host == NULL)
		add_host(r, o, host);
}

static void add_all(struct records *r, const struct options *o, const struct document *d)
{
	for (size_t i = 0; i < d->n_entries; i++) {
		struct domain domain;

		if (d->entries[i].list != IMAGE_LOCAL || d->entries[i].kind != DOCUMENT_DOMAIN ||
			domain_canonical(view_string(d->entries[i].text), &domain) < 0)
			continue;
		add_domain(r, o, (const char *)domain.text);
	}
	if (o->host != NULL)
		add_host(r, o, o->host);
}

int dns_run(const struct fedctl *f, int argc, char *argv[])
{
	struct records records = {.list = f->json ? json_array() : NULL};
	struct document *d;
	struct errors errors;
	struct options o;

	if (parse_options(&o, argc, argv) != FEDCTL_OK) {
		json_decref(records.list);
		return FEDCTL_USAGE;
	}
	errors_init(&errors, o.document);
	d = desk_read_document(o.document, &errors);
	if (d == NULL) {
		print_errors(&errors);
		json_decref(records.list);
		return FEDCTL_FAILED;
	}
	if (!f->json)
		puts("; where partners find our domains: SIP over mutual TLS");
	add_all(&records, &o, d);
	if (f->json)
		print_json(json_pack("{s:b, s:o}", "ok", true, "records", records.list));
	document_free(d);
	return FEDCTL_OK;
}
