// SPDX-License-Identifier: BSD-3-Clause
// A key and a request for a certificate of the document's local domains.

#include "control/cli/cert.h"

#include "control/api/errors_json.h"
#include "control/cli/desk.h"
#include "control/cli/print.h"
#include "control/tls/pem.h"
#include "control/tls/request.h"
#include "lib/policy/domain.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DOMAINS_MAX 100 // public CAs take no more in one certificate

struct options {
	const char *document, *key, *csr, *host, *certificate;
	const char *only[DOMAINS_MAX];
	size_t n_only;
	enum tls_key_kind kind;
	enum tls_request_form form;
};

static int set_kind(struct options *o, const char *text)
{
	static const struct {
		const char *name;
		enum tls_key_kind kind;
	} kinds[] = {{"p256", TLS_KEY_P256}, {"p384", TLS_KEY_P384}, {"rsa", TLS_KEY_RSA}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, text) == 0) {
			o->kind = kinds[i].kind;
			return FEDCTL_OK;
		}
	}
	return usage_error("--type is p256, p384 or rsa");
}

static int take_option(struct options *o, int option)
{
	switch (option) {
	case 'k':
		o->key = optarg;
		return FEDCTL_OK;
	case 'c':
		o->csr = optarg;
		return FEDCTL_OK;
	case 'h':
		o->host = optarg;
		return FEDCTL_OK;
	case 'n':
		o->certificate = optarg;
		return FEDCTL_OK;
	case 't':
		return set_kind(o, optarg);
	case 'u':
		o->form = TLS_REQUEST_DNS_AND_URI;
		return FEDCTL_OK;
	case 'd':
		if (o->n_only == DOMAINS_MAX)
			return usage_error("more than %d domains", DOMAINS_MAX);
		o->only[o->n_only++] = optarg;
		return FEDCTL_OK;
	default:
		return usage_error("cert request does not know an option of its command line");
	}
}

static int parse_options(struct options *o, int argc, char *argv[])
{
	static const struct option rows[] = {
		{"key", required_argument, NULL, 'k'},
		{"csr", required_argument, NULL, 'c'},
		{"host", required_argument, NULL, 'h'},
		{"certificate", required_argument, NULL, 'n'},
		{"domain", required_argument, NULL, 'd'},
		{"type", required_argument, NULL, 't'},
		{"uri", no_argument, NULL, 'u'},
		{0},
	};
	int option, result;

	*o = (struct options){0};
	while ((option = getopt_long(argc, argv, "", rows, NULL)) != -1) {
		result = take_option(o, option);
		if (result != FEDCTL_OK)
			return result;
	}
	o->document = argv[optind];
	if (optind + 1 == argc && o->document != NULL && o->key != NULL && o->csr != NULL)
		return FEDCTL_OK;
	usage_error("cert request needs a document, --key FILE and --csr FILE");
	return FEDCTL_USAGE;
}

// Which domains the request is for: those of --domain, which must be local ones, or all of them.
struct domains {
	struct view list[DOMAINS_MAX];
	size_t n;
};

static bool is_local(const struct document *d, const char *name)
{
	struct domain domain, local;

	if (domain_canonical(view_string(name), &domain) < 0)
		return false;
	for (size_t i = 0; i < d->n_entries; i++) {
		const struct document_entry *e = &d->entries[i];

		if (e->list == IMAGE_LOCAL && domain_canonical(view_string(e->text), &local) == 0 &&
			view_equal(
				view_of(domain.text, domain.len), view_of(local.text, local.len)))
			return true;
	}
	return false;
}

// Whether the entry is a local domain that shows the certificate that the request is for.
static bool shows(const struct document *d, const struct document_entry *e, const char *certificate)
{
	const char *shown;

	if (e->list != IMAGE_LOCAL)
		return false;
	if (certificate == NULL)
		return true;
	shown = d->peers[e->peer].certificate;
	if (shown == NULL && d->tls.n_certificates > 0)
		shown = d->tls.certificates[0].name;
	return shown != NULL && strcmp(shown, certificate) == 0;
}

static void choose_domains(const struct document *d, const struct options *o,
	struct domains *domains, struct errors *errors)
{
	domains->n = 0;
	for (size_t i = 0; i < o->n_only; i++) {
		if (!is_local(d, o->only[i]))
			errors_add(errors, 0, "%s is not one of its local domains", o->only[i]);
		else
			domains->list[domains->n++] = view_string(o->only[i]);
	}
	for (size_t i = 0; i < d->n_entries && o->n_only == 0; i++) {
		if (!shows(d, &d->entries[i], o->certificate))
			continue;
		if (domains->n == DOMAINS_MAX) {
			errors_add(errors, 0, "more than %d local domains: choose some by --domain",
				DOMAINS_MAX);
			return;
		}
		domains->list[domains->n++] = view_string(d->entries[i].text);
	}
	if (domains->n == 0 && errors->n == 0)
		errors_add(errors, 0, "no local domain shows a certificate %s", o->certificate);
}

// The key that is there, for a renewal, or a new one.
static EVP_PKEY *take_key(const struct options *o, bool *made, struct errors *errors)
{
	const struct tls_pem pem = {.path = o->key};
	EVP_PKEY *key;
	int error;

	if (access(o->key, F_OK) == 0 || errno != ENOENT)
		return tls_pem_key(&pem, errors);
	key = tls_key_make(o->kind);
	error = key != NULL ? tls_key_write(key, o->key) : -ENOMEM;
	if (error < 0) {
		errors_add_in(errors, o->key, 0, "%s", strerror(-error));
		EVP_PKEY_free(key);
		return NULL;
	}
	*made = true;
	return key;
}

static bool write_request(const char *path, struct view pem, struct errors *errors)
{
	FILE *file = fopen(path, "w");
	bool good = file != NULL && fwrite(pem.at, 1, pem.len, file) == pem.len;

	if (file != NULL)
		good &= fclose(file) == 0;
	if (!good)
		errors_add_in(errors, path, 0, "%s", strerror(errno));
	return good;
}

static bool make_request(
	const struct options *o, const struct domains *domains, bool *made, struct errors *errors)
{
	const struct tls_request request = {
		.domains = domains->list,
		.n_domains = domains->n,
		.host = o->host != NULL ? view_string(o->host) : VIEW_NONE,
		.form = o->form,
	};
	EVP_PKEY *key = take_key(o, made, errors);
	struct view pem, wrong = VIEW_NONE;
	bool good = false;
	int error;

	if (key == NULL)
		return false;
	error = tls_request_make(key, &request, &pem, &wrong);
	EVP_PKEY_free(key);
	if (error == -EINVAL)
		errors_add(errors, 0, "%.*s is no domain name", (int)wrong.len,
			(const char *)wrong.at);
	else if (error < 0)
		errors_add(errors, 0, "the request cannot be made: %s", strerror(-error));
	else
		good = write_request(o->csr, pem, errors);
	if (error == 0)
		free((void *)(uintptr_t)pem.at);
	return good;
}

static void print_result(const struct options *o, const struct domains *domains, bool made)
{
	printf("%s: %s private key\n%s: request for", o->key, made ? "a new" : "the former",
		o->csr);
	for (size_t i = 0; i < domains->n; i++)
		printf(" %.*s", (int)domains->list[i].len, (const char *)domains->list[i].at);
	printf("%s%s\n", o->host != NULL ? " " : "", o->host != NULL ? o->host : "");
	puts("Have a CA sign the request; `fedctl cert show` says what the certificate is good "
	     "for.");
}

int cert_request_run(const struct fedctl *f, int argc, char *argv[])
{
	struct domains domains;
	struct document *d;
	struct errors errors;
	struct options o;
	bool made = false, good = false;

	if (parse_options(&o, argc, argv) != FEDCTL_OK)
		return FEDCTL_USAGE;
	errors_init(&errors, o.document);
	d = desk_read_document(o.document, &errors);
	if (d != NULL) {
		choose_domains(d, &o, &domains, &errors);
		good = errors.n == 0 && make_request(&o, &domains, &made, &errors);
	}
	if (f->json)
		print_json(json_pack("{s:b, s:s, s:s, s:b, s:o}", "ok", good, "key", o.key, "csr",
			o.csr, "key_made", made, "errors", errors_json(&errors)));
	else if (good)
		print_result(&o, &domains, made);
	else
		print_errors(&errors);
	document_free(d);
	return good ? FEDCTL_OK : FEDCTL_FAILED;
}
