// SPDX-License-Identifier: BSD-3-Clause

#include "control/credentials/make.h"

#include "lib/policy/domain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

// Everything that a context is made of, for both sides; what is pointed to is in here.
struct making {
	const struct credentials_source *source;
	const struct document *document;
	char **paths; // made so far, freed together
	size_t n_paths;
	struct tls_certificate_config *certificates;
	struct tls_pem *trust, *crls;
	uint8_t (*pinned)[CARD_FINGERPRINT_BYTES];
	size_t n_pinned;
	struct domain *domains; // of entries
	const char **names;     // whom the document has: domains, and hosts of peers
	size_t n_names;
};

static const enum tls_eku ekus[] = {
	[DOCUMENT_EKU_SERVER] = TLS_EKU_SERVER,
	[DOCUMENT_EKU_IGNORE] = TLS_EKU_IGNORE,
	[DOCUMENT_EKU_STRICT] = TLS_EKU_STRICT,
};

// A file of the folder. Its name is a plain one: the document's schema says so.
static const char *path_of(struct making *m, const char *name)
{
	char *path = NULL;

	if (asprintf(&path, "%s/%s", m->source->folder, name) < 0)
		return NULL;
	m->paths[m->n_paths++] = path;
	return path;
}

static const char *roots_path_of(struct making *m, const char *name)
{
	return strcmp(name, DOCUMENT_TRUST_SYSTEM) == 0 ? TLS_SYSTEM_TRUST : path_of(m, name);
}

static int allocate(struct making *m)
{
	const struct document_tls *tls = &m->document->tls;
	size_t n_pinned = 0,
	       n_paths = 2 * tls->n_certificates + tls->n_trust + tls->n_trust_inside + tls->n_crls;

	for (size_t i = 0; i < m->document->n_peers; i++)
		n_pinned += m->document->peers[i].n_fingerprints;
	m->paths = calloc(n_paths + 1, sizeof(*m->paths));
	m->certificates = calloc(tls->n_certificates + 1, sizeof(*m->certificates));
	m->trust = calloc(tls->n_trust + tls->n_trust_inside + 1, sizeof(*m->trust));
	m->crls = calloc(tls->n_crls + 1, sizeof(*m->crls));
	m->pinned = calloc(n_pinned + 1, sizeof(*m->pinned));
	return m->paths != NULL && m->certificates != NULL && m->trust != NULL && m->crls != NULL &&
			m->pinned != NULL
		? 0
		: -ENOMEM;
}

static void release(struct making *m)
{
	for (size_t i = 0; i < m->n_paths; i++)
		free(m->paths[i]);
	free(m->paths);
	free(m->certificates);
	free(m->trust);
	free(m->crls);
	free(m->pinned);
	free(m->domains);
	free(m->names);
}

static int name_certificates(struct making *m)
{
	const struct document_tls *tls = &m->document->tls;

	for (size_t i = 0; i < tls->n_certificates; i++) {
		const struct document_certificate *c = &tls->certificates[i];

		m->certificates[i] = (struct tls_certificate_config){
			.id = image_certificate_id(view_string(c->name)),
			.chain.path = path_of(m, c->certificate),
			.key.path = path_of(m, c->key),
		};
		if (m->certificates[i].chain.path == NULL || m->certificates[i].key.path == NULL)
			return -ENOMEM;
	}
	for (size_t i = 0; i < tls->n_crls; i++) {
		m->crls[i].path = path_of(m, tls->crls[i]);
		if (m->crls[i].path == NULL)
			return -ENOMEM;
	}
	return 0;
}

// Who is known by a fingerprint needs nobody to vouch for it, on its own side.
static void pin(struct making *m, enum side side)
{
	const struct document *d = m->document;

	m->n_pinned = 0;
	for (size_t i = 0; i < d->n_peers; i++) {
		const struct document_peer *peer = &d->peers[i];

		if (peer->local != (side == SIDE_INSIDE) || peer->n_fingerprints == 0)
			continue;
		memcpy(m->pinned[m->n_pinned], peer->fingerprints,
			peer->n_fingerprints * sizeof(m->pinned[0]));
		m->n_pinned += peer->n_fingerprints;
	}
}

// The roots of a side, as configured.
static int trust(struct making *m, enum side side, struct tls_context_config *config)
{
	const struct document_tls *tls = &m->document->tls;
	bool own = side == SIDE_INSIDE && tls->n_trust_inside > 0;
	char *const *names = own ? tls->trust_inside : tls->trust;
	size_t n = own ? tls->n_trust_inside : tls->n_trust;

	config->trust = m->trust;
	config->n_trust = n;
	for (size_t i = 0; i < n; i++) {
		m->trust[i].path = roots_path_of(m, names[i]);
		if (m->trust[i].path == NULL)
			return -ENOMEM;
	}
	return 0;
}

// Domains as written are brought into one form; who is none is no partner's.
static int name_partners(struct making *m)
{
	const struct document *d = m->document;
	size_t n = d->n_entries;

	for (size_t i = 0; i < d->n_peers; i++)
		n += d->peers[i].n_hosts;
	m->domains = calloc(d->n_entries + 1, sizeof(*m->domains));
	m->names = calloc(n + 1, sizeof(*m->names));
	if (m->domains == NULL || m->names == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < d->n_entries; i++) {
		const struct document_entry *e = &d->entries[i];

		if (e->kind == DOCUMENT_DOMAIN && e->list != IMAGE_BLOCK &&
			domain_canonical(view_string(e->text), &m->domains[i]) == 0)
			m->names[m->n_names++] = (const char *)m->domains[i].text;
	}
	for (size_t i = 0; i < d->n_peers; i++) {
		for (size_t h = 0; h < d->peers[i].n_hosts; h++)
			m->names[m->n_names++] = d->peers[i].hosts[h];
	}
	return 0;
}

static int make_side(
	struct making *m, enum side side, struct tls_context **made, struct errors *errors)
{
	const struct document_tls *tls = &m->document->tls;
	struct tls_context_config config = {
		.certificates = m->certificates,
		.n_certificates = tls->n_certificates,
		.crls = m->crls,
		.n_crls = tls->n_crls,
		.first = m->names,
		.n_first = m->n_names,
		.eku = ekus[tls->eku],
		.crl = tls->revocation == DOCUMENT_REVOCATION_REQUIRED ? TLS_CRL_REQUIRED
								       : TLS_CRL_KNOWN,
		.version_min = tls->version_min == DOCUMENT_TLS_13 ? RECORD_TLS13 : RECORD_TLS12,
		.now_s = m->source->now_s,
		.cache = m->source->cache,
	};
	int error = trust(m, side, &config);

	if (error < 0)
		return error;
	pin(m, side);
	config.pinned = (const uint8_t(*)[CARD_FINGERPRINT_BYTES])m->pinned;
	config.n_pinned = m->n_pinned;
	*made = tls_context_new(&config, errors);
	return *made != NULL ? 0 : -EINVAL;
}

int credentials_make(const struct credentials_source *source, const struct document *document,
	struct tls_context *made[SIDE_N], struct errors *errors)
{
	struct making m = {.source = source, .document = document};
	int error = 0;

	made[SIDE_INSIDE] = made[SIDE_OUTSIDE] = NULL;
	if (document->tls.n_certificates == 0)
		return 0;
	error = allocate(&m);
	if (error == 0)
		error = name_certificates(&m);
	if (error == 0)
		error = name_partners(&m);
	if (error == 0)
		error = make_side(&m, SIDE_OUTSIDE, &made[SIDE_OUTSIDE], errors);
	if (error == 0)
		error = make_side(&m, SIDE_INSIDE, &made[SIDE_INSIDE], errors);
	if (error < 0) {
		tls_context_put(made[SIDE_OUTSIDE]);
		made[SIDE_OUTSIDE] = NULL;
	}
	release(&m);
	return error;
}
