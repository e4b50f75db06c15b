// SPDX-License-Identifier: BSD-3-Clause

#include "control/policy/document_keys.h"
#include "control/policy/document_parse.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

void document_begin_certificate(struct parse *p, unsigned line)
{
	struct document_tls *tls = &p->document->tls;
	struct document_certificate *certificate = PUSH(p, tls->certificates, tls->n_certificates);

	if (certificate != NULL)
		certificate->line = line;
}

static struct document_certificate *last_certificate(struct parse *p)
{
	struct document_tls *tls = &p->document->tls;

	return &tls->certificates[tls->n_certificates - 1];
}

// Such a name leads nowhere but into the folder itself.
static bool is_plain(struct view text)
{
	return text.at[0] != '.' && memchr(text.at, '/', text.len) == NULL;
}

// A copy; NULL where it is refused.
static char *copy_file_name(struct parse *p, const struct schema_event *e, struct errors *errors)
{
	if (is_plain(e->text))
		return document_copy_text(p, e->text);
	errors_add(errors, e->line,
		"%s: \"%.80s\" is not right; expected %s, without a path, not beginning with a dot",
		e->key->name, (const char *)e->text.at, e->key->what);
	return NULL;
}

static void add_file(struct parse *p, char ***list, size_t *n, const struct schema_event *e,
	struct errors *errors)
{
	char *copy = copy_file_name(p, e, errors), **place;

	if (copy == NULL)
		return;
	place = document_push(p, (void **)list, n, sizeof(**list));
	if (place != NULL)
		*place = copy;
	else
		free(copy);
}

void document_take_tls(struct parse *p, const struct schema_event *e, struct errors *errors)
{
	struct document_tls *tls = &p->document->tls;

	switch (e->key->id) {
	case KEY_NAME:
		last_certificate(p)->name = document_copy_text(p, e->text);
		break;
	case KEY_FILE:
		last_certificate(p)->certificate = copy_file_name(p, e, errors);
		break;
	case KEY_KEY:
		last_certificate(p)->key = copy_file_name(p, e, errors);
		break;
	case KEY_TRUST:
		add_file(p, &tls->trust, &tls->n_trust, e, errors);
		break;
	case KEY_TRUST_INSIDE:
		add_file(p, &tls->trust_inside, &tls->n_trust_inside, e, errors);
		break;
	case KEY_CRL:
		add_file(p, &tls->crls, &tls->n_crls, e, errors);
		break;
	case KEY_EKU:
		tls->eku = (enum document_eku)e->number;
		break;
	case KEY_REVOCATION:
		tls->revocation = (enum document_revocation)e->number;
		break;
	case KEY_MINIMUM:
		tls->version_min = (enum document_tls_version)e->number;
		break;
	default:
		break;
	}
}

// Fields that the relay reads, or that SIP cannot do without: one of them as a stamp would be taken
// out of every message.
static bool is_known_field(struct view name)
{
	static const char *const known[] = {"via", "from", "to", "call-id", "cseq", "max-forwards",
		"route", "record-route", "contact", "content-length", "content-type", "require",
		"proxy-require", "supported", "retry-after", "expires", "event", "v", "f", "t", "i",
		"m", "l", "c", "k", "o"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (view_equal_nocase(name, view_string(known[i])))
			return true;
	}
	return false;
}

void document_set_stamp(struct parse *p, const struct schema_event *e, struct errors *errors)
{
	bool right = !is_known_field(e->text);

	for (size_t i = 0; i < e->text.len && right; i++)
		right = (isalnum(e->text.at[i]) && e->text.at[i] < 0x80) || e->text.at[i] == '-';
	if (!right) {
		errors_add(errors, e->line,
			"stamp_header: \"%.70s\" is not right; expected %s of its own, of letters, "
			"digits and hyphens",
			(const char *)e->text.at, e->key->what);
		return;
	}
	free(p->document->stamp);
	p->document->stamp = document_copy_text(p, e->text);
}

static const struct document_certificate *find_certificate(
	const struct document_tls *tls, const char *name)
{
	for (size_t i = 0; i < tls->n_certificates; i++) {
		if (strcmp(tls->certificates[i].name, name) == 0)
			return &tls->certificates[i];
	}
	return NULL;
}

// Their names, and what these are known by everywhere else, must be their own.
static void check_names(const struct document_tls *tls, struct errors *errors)
{
	for (size_t i = 1; i < tls->n_certificates; i++) {
		const struct document_certificate *c = &tls->certificates[i];
		uint32_t id = image_certificate_id(view_string(c->name));

		for (size_t k = 0; k < i; k++) {
			const struct document_certificate *other = &tls->certificates[k];

			if (image_certificate_id(view_string(other->name)) == id)
				errors_add(errors, c->line,
					"a certificate called \"%s\" stands on line %u already; "
					"another name than \"%s\" is expected",
					other->name, other->line, c->name);
		}
	}
}

void document_resolve_certificates(struct parse *p, struct errors *errors)
{
	const struct document *d = p->document;

	check_names(&d->tls, errors);
	for (size_t i = 0; i < d->n_peers; i++) {
		const struct document_peer *peer = &d->peers[i];

		if (peer->certificate != NULL &&
			find_certificate(&d->tls, peer->certificate) == NULL)
			errors_add(errors, peer->certificate_line,
				"no certificate is called \"%s\"; a name from certificates is "
				"expected",
				peer->certificate);
	}
}

int document_check_tls(const struct document *d, struct errors *errors)
{
	unsigned line = 0;

	for (size_t i = 0; i < d->n_peers && line == 0; i++)
		line = d->peers[i].tls_line;
	if (line == 0)
		return 0;
	if (d->tls.n_certificates == 0)
		errors_add(errors, line,
			"TLS needs a certificate of ours, and certificates is missing; `fedctl "
			"cert "
			"request %s --key edge.key --csr edge.csr` makes a key and the request for "
			"one",
			errors->file_name);
	if (d->tls.n_trust == 0)
		errors_add(errors, line,
			"TLS needs somebody to trust; expected tls: {trust: [FILE, …]} with root "
			"certificates, or [" DOCUMENT_TRUST_SYSTEM "]");
	return d->tls.n_certificates == 0 || d->tls.n_trust == 0 ? -EINVAL : 0;
}

void document_free_texts(char **texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(texts[i]);
	free(texts);
}

void document_free_tls(struct document_tls *tls)
{
	for (size_t i = 0; i < tls->n_certificates; i++) {
		free(tls->certificates[i].name);
		free(tls->certificates[i].certificate);
		free(tls->certificates[i].key);
	}
	free(tls->certificates);
	document_free_texts(tls->trust, tls->n_trust);
	document_free_texts(tls->trust_inside, tls->n_trust_inside);
	document_free_texts(tls->crls, tls->n_crls);
}
