// SPDX-License-Identifier: BSD-3-Clause

#include "tests/load/identities.h"

#include "control/tls/library.h"
#include "tests/load/request.h"
#include "tests/pki/pki.h"

#include <errno.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

// A context looks for a certificate one by one.
#define PARTNERS_A_CONTEXT 256
#define PATH_BYTES         4096
#define VALID_DAYS         30
#define CA_VALID_DAYS      3650

struct identities {
	uint32_t n_partners, n_contexts;
	struct tls_context **contexts;
};

static bool read_ca(const char *certificate, const char *key, struct pki *ca, struct errors *errors)
{
	BIO *from = BIO_new_file(certificate, "r"), *key_from = BIO_new_file(key, "r");

	if (from != NULL && key_from != NULL) {
		ca->certificate = PEM_read_bio_X509(from, NULL, NULL, NULL);
		ca->key = PEM_read_bio_PrivateKey(key_from, NULL, NULL, NULL);
	}
	BIO_free(from);
	BIO_free(key_from);
	if (ca->certificate != NULL && ca->key != NULL &&
		X509_check_private_key(ca->certificate, ca->key) == 1)
		return true;
	errors_add(errors, 0, "%s and %s are not a CA's certificate and its key", certificate, key);
	return false;
}

static bool write_text(const char *path, struct view text, mode_t mode)
{
	mode_t before = umask(0777 & ~mode);
	FILE *f = fopen(path, "we");
	bool good = f != NULL && fwrite(text.at, 1, text.len, f) == text.len;

	umask(before);
	if (f != NULL && fclose(f) != 0)
		good = false;
	return good;
}

static bool make_ca(const char *certificate, const char *key, struct pki *ca, struct errors *errors)
{
	const int64_t now_s = (int64_t)time(NULL);
	struct view pem, key_pem;
	bool good;

	*ca = pki_issue(NULL,
		&(struct pki_spec){.cn = "fedload CA",
			.ca = true,
			.from_s = now_s - PKI_DAY_S,
			.until_s = now_s + CA_VALID_DAYS * PKI_DAY_S});
	pem = pki_certificate_pem(ca);
	key_pem = pki_key_pem(ca);
	good = write_text(key, key_pem, 0600) && write_text(certificate, pem, 0644);
	if (!good)
		errors_add(errors, 0, "%s: %s", certificate, strerror(errno));
	pki_text_free(&pem);
	pki_text_free(&key_pem);
	return good;
}

static bool is_there(const char *path)
{
	struct stat s;

	return stat(path, &s) == 0 || errno != ENOENT;
}

static bool open_ca(const char *folder, struct pki *ca, struct errors *errors)
{
	char certificate[PATH_BYTES], key[PATH_BYTES];

	snprintf(certificate, sizeof(certificate), "%s/ca.pem", folder);
	snprintf(key, sizeof(key), "%s/ca.key", folder);
	if (!is_there(certificate) && !is_there(key) &&
		(mkdir(folder, 0755) == 0 || errno == EEXIST))
		return make_ca(certificate, key, ca, errors);
	return read_ca(certificate, key, ca, errors);
}

// Into the library of everything else here, or it would be carried over for each signature.
static bool adopt_key(struct pki *ca, struct errors *errors)
{
	EVP_PKEY *key = tls_library_key(ca->key);

	if (key == NULL) {
		errors_add(errors, 0, "the CA's key is neither EC, RSA nor Ed25519");
		return false;
	}
	EVP_PKEY_free(ca->key);
	ca->key = key;
	return true;
}

static struct pki issue(
	const struct pki *ca, const struct identities_config *config, uint32_t partner)
{
	char label[REQUEST_LABEL_BYTES] = "", name[REQUEST_LABEL_BYTES + REQUEST_DOMAIN_MAX + 1];
	char san[2 * sizeof(name) + 32];
	const int64_t now_s = (int64_t)time(NULL);

	if (config->n_partners > 1)
		requests_domain_label(partner, label);
	snprintf(name, sizeof(name), "%s%s", label, config->domain);
	snprintf(san, sizeof(san), "URI:sip:%s,DNS:%s", name, name);
	return pki_issue(ca,
		&(struct pki_spec){.cn = "fedload",
			.san = san,
			.eku = "serverAuth,clientAuth",
			.from_s = now_s - PKI_DAY_S,
			.until_s = now_s + VALID_DAYS * PKI_DAY_S,
			.library = tls_library()});
}

// The partners of one context, from first on.
static struct tls_context *open_context(const struct pki *ca, const struct tls_pem *trust,
	const struct identities_config *config, uint32_t first, struct errors *errors)
{
	struct tls_certificate_config certificates[PARTNERS_A_CONTEXT] = {0};
	struct tls_context_config context = {.certificates = certificates,
		.trust = trust,
		.n_trust = 1,
		.version_min = config->version_min,
		.now_s = (int64_t)time(NULL)};
	struct tls_context *c;

	for (uint32_t i = first; i < config->n_partners && i < first + PARTNERS_A_CONTEXT; i++) {
		struct pki partner = issue(ca, config, i);
		struct tls_certificate_config *to = &certificates[context.n_certificates++];

		to->id = i - first + 1;
		to->chain.bytes = pki_certificate_pem(&partner);
		to->made_key = partner.key;
		X509_free(partner.certificate);
	}
	c = tls_context_new(&context, errors);
	for (size_t i = 0; i < context.n_certificates; i++) {
		pki_text_free(&certificates[i].chain.bytes);
		EVP_PKEY_free(certificates[i].made_key);
	}
	return c;
}

static bool open_contexts(struct identities *i, const struct pki *ca,
	const struct identities_config *config, struct errors *errors)
{
	struct tls_pem trust = {.path = config->trust};
	struct view ca_pem = pki_certificate_pem(ca);

	if (config->trust == NULL)
		trust = (struct tls_pem){.path = "ca.pem", .bytes = ca_pem};
	for (uint32_t n = 0; n < i->n_contexts; n++) {
		i->contexts[n] = open_context(ca, &trust, config, n * PARTNERS_A_CONTEXT, errors);
		if (i->contexts[n] == NULL)
			break;
	}
	pki_text_free(&ca_pem);
	return i->contexts[i->n_contexts - 1] != NULL;
}

struct identities *identities_new(const struct identities_config *config, struct errors *errors)
{
	struct identities *i = calloc(1, sizeof(*i));
	struct pki ca = {0};
	bool good = i != NULL;

	if (good) {
		i->n_partners = config->n_partners;
		i->n_contexts = (config->n_partners + PARTNERS_A_CONTEXT - 1) / PARTNERS_A_CONTEXT;
		i->contexts = calloc(i->n_contexts, sizeof(struct tls_context *));
		good = i->contexts != NULL;
	}
	if (!good)
		errors_add(errors, 0, "out of memory");
	good = good && open_ca(config->folder, &ca, errors) && adopt_key(&ca, errors) &&
		open_contexts(i, &ca, config, errors);
	pki_free(&ca);
	if (good)
		return i;
	identities_free(i);
	return NULL;
}

void identities_free(struct identities *i)
{
	if (i == NULL)
		return;
	for (uint32_t n = 0; n < i->n_contexts && i->contexts != NULL; n++)
		tls_context_put(i->contexts[n]);
	free(i->contexts);
	free(i);
}

struct identity identities_find(const struct identities *i, uint32_t partner)
{
	partner %= i->n_partners;
	return (struct identity){
		i->contexts[partner / PARTNERS_A_CONTEXT], partner % PARTNERS_A_CONTEXT + 1};
}

uint32_t identities_count(const struct identities *i)
{
	return i->n_partners;
}
