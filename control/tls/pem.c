// SPDX-License-Identifier: BSD-3-Clause

#include "control/tls/pem.h"

#include "control/policy/file.h"
#include "control/tls/library.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

// A PEM text at hand, and the BIO that reads it.
struct source {
	struct view owned; // read from a file
	BIO *bio;
};

static const char *path_of(const struct tls_pem *pem)
{
	return pem->path != NULL ? pem->path : "PEM";
}

// A key that others can read is no secret any more.
static const char *check_key_file(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return strerror(errno);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return "a private key must belong to the user that control runs as";
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return "a private key must be readable by its owner alone: chmod 600";
	return NULL;
}

static bool read_file(const struct tls_pem *pem, size_t bytes_max, const char *(*check)(int fd),
	struct view *text, struct errors *errors)
{
	// Not to be held up by a FIFO, which is then refused.
	int fd = open(pem->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), error;
	const char *wrong;

	if (fd < 0) {
		errors_add_in(errors, pem->path, 0, "%s", strerror(errno));
		return false;
	}
	wrong = check != NULL ? check(fd) : NULL;
	error = wrong == NULL ? file_read(fd, bytes_max, text) : 0;
	if (error < 0)
		wrong = file_error(error);
	if (wrong != NULL)
		errors_add_in(errors, pem->path, 0, "%s", wrong);
	close(fd);
	return wrong == NULL;
}

static void source_close(struct source *s)
{
	BIO_free(s->bio);
	if (s->owned.at != NULL)
		OPENSSL_cleanse((void *)(uintptr_t)s->owned.at, s->owned.len);
	file_free(&s->owned);
}

static bool source_open(struct source *s, const struct tls_pem *pem, size_t bytes_max,
	const char *(*check)(int fd), struct errors *errors)
{
	struct view text = pem->bytes;

	*s = (struct source){0};
	if (text.at == NULL) {
		if (!read_file(pem, bytes_max, check, &s->owned, errors))
			return false;
		text = s->owned;
	}
	if (text.len <= bytes_max)
		s->bio = BIO_new_mem_buf(text.at, (int)text.len);
	if (s->bio == NULL) {
		errors_add_in(errors, path_of(pem), 0,
			text.len <= bytes_max ? "out of memory" : "too large");
		source_close(s);
		return false;
	}
	ERR_clear_error();
	return true;
}

// Whether the last read ended because nothing more was there, and not at something unreadable.
static bool at_end(void)
{
	unsigned long error = ERR_peek_last_error();

	ERR_clear_error();
	return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

// OpenSSL would ask at a terminal otherwise.
static int no_passphrase(char *buffer, int n_bytes, int writing, void *arg)
{
	(void)buffer, (void)n_bytes, (void)writing, (void)arg;
	return -1;
}

// unreadable: number of the one that cannot be read, from 1; 0: there is none.
static void list_error(
	struct errors *errors, const struct tls_pem *pem, const char *what, int unreadable)
{
	if (unreadable == 0)
		errors_add_in(errors, path_of(pem), 0, "no %s in PEM form in it", what);
	else
		errors_add_in(errors, path_of(pem), 0, "its %s number %d cannot be read", what,
			unreadable);
}

static X509 *next_certificate(BIO *bio)
{
	X509 *next = X509_new_ex(tls_library(), NULL);

	if (next != NULL && PEM_read_bio_X509(bio, &next, no_passphrase, NULL) != NULL)
		return next;
	// NULL by now where it was begun to be read.
	X509_free(next);
	return NULL;
}

static X509_CRL *next_crl(BIO *bio)
{
	X509_CRL *next = X509_CRL_new_ex(tls_library(), NULL);

	if (next != NULL && PEM_read_bio_X509_CRL(bio, &next, no_passphrase, NULL) != NULL)
		return next;
	X509_CRL_free(next);
	return NULL;
}

STACK_OF(X509) * tls_pem_certificates(const struct tls_pem *pem, struct errors *errors)
{
	STACK_OF(X509) *list = sk_X509_new_null();
	struct source s;
	bool complete;
	X509 *next;

	if (!source_open(&s, pem, TLS_FILE_BYTES_MAX, NULL, errors)) {
		sk_X509_free(list);
		return NULL;
	}
	while ((next = next_certificate(s.bio)) != NULL) {
		if (sk_X509_push(list, next) <= 0)
			X509_free(next);
	}
	complete = at_end();
	if (!complete || sk_X509_num(list) < 1) {
		list_error(errors, pem, "certificate", complete ? 0 : sk_X509_num(list) + 1);
		sk_X509_pop_free(list, X509_free);
		list = NULL;
	}
	source_close(&s);
	return list;
}

STACK_OF(X509_CRL) * tls_pem_crls(const struct tls_pem *pem, struct errors *errors)
{
	STACK_OF(X509_CRL) *list = sk_X509_CRL_new_null();
	struct source s;
	bool complete;
	X509_CRL *next;

	if (!source_open(&s, pem, TLS_FILE_BYTES_MAX, NULL, errors)) {
		sk_X509_CRL_free(list);
		return NULL;
	}
	while ((next = next_crl(s.bio)) != NULL) {
		if (sk_X509_CRL_push(list, next) <= 0)
			X509_CRL_free(next);
	}
	complete = at_end();
	if (!complete || sk_X509_CRL_num(list) < 1) {
		list_error(errors, pem, "CRL", complete ? 0 : sk_X509_CRL_num(list) + 1);
		sk_X509_CRL_pop_free(list, X509_CRL_free);
		list = NULL;
	}
	source_close(&s);
	return list;
}

EVP_PKEY *tls_pem_key(const struct tls_pem *pem, struct errors *errors)
{
	EVP_PKEY *read, *key = NULL;
	struct source s;

	if (!source_open(&s, pem, TLS_KEY_BYTES_MAX, check_key_file, errors))
		return NULL;
	read = PEM_read_bio_PrivateKey(s.bio, NULL, no_passphrase, NULL);
	if (read != NULL)
		key = tls_library_key(read);
	EVP_PKEY_free(read);
	if (key == NULL)
		errors_add_in(errors, path_of(pem), 0,
			"no EC, RSA or Ed25519 key in PEM form in it, or one with a passphrase");
	ERR_clear_error();
	source_close(&s);
	return key;
}
