// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/test.h"

#include "control/tls/pem.h"
#include "control/tls/request.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

static X509_REQ *parse(struct view pem)
{
	BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.len);
	X509_REQ *r = PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);

	BIO_free(bio);
	assert_non_null(r);
	return r;
}

// The names of a request, as "DNS:a, URI:sip:a".
static void names_of(const X509_REQ *r, char *text, size_t n_text)
{
	STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions((X509_REQ *)(uintptr_t)r);
	GENERAL_NAMES *names = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
	size_t n = 0;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		n += (size_t)snprintf(text + n, n_text - n, "%s%s:%s", i > 0 ? ", " : "",
			name->type == GEN_URI ? "URI" : "DNS",
			(const char *)ASN1_STRING_get0_data(name->d.ia5));
	}
	GENERAL_NAMES_free(names);
	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

static void expect_names(const struct tls_request *request, const char *expected)
{
	EVP_PKEY *key = tls_key_make(TLS_KEY_P256);
	struct view pem, wrong;
	char text[512] = "";
	X509_REQ *r;

	assert_int_equal(tls_request_make(key, request, &pem, &wrong), 0);
	r = parse(pem);
	assert_int_equal(X509_REQ_verify(r, key), 1);
	names_of(r, text, sizeof(text));
	assert_string_equal(text, expected);
	X509_REQ_free(r);
	EVP_PKEY_free(key);
	free((void *)(uintptr_t)pem.at);
}

static void a_request_names_the_domains_and_the_host(void **state)
{
	const struct view domains[] = {VIEW("Contoso.example"), VIEW("contoso.test.")};
	struct tls_request request = {.domains = domains, .n_domains = 2};

	(void)state;
	expect_names(&request, "DNS:contoso.example, DNS:contoso.test");
	request.host = VIEW("sip.contoso.example");
	expect_names(&request, "DNS:contoso.example, DNS:contoso.test, DNS:sip.contoso.example");
	request.form = TLS_REQUEST_DNS_AND_URI;
	expect_names(&request,
		"DNS:contoso.example, URI:sip:contoso.example, DNS:contoso.test, "
		"URI:sip:contoso.test, DNS:sip.contoso.example");
}

static void an_international_domain_is_requested_as_its_a_label(void **state)
{
	const struct view domains[] = {VIEW("bücher.example")};

	(void)state;
	expect_names(&(struct tls_request){.domains = domains, .n_domains = 1},
		"DNS:xn--bcher-kva.example");
}

static void what_is_no_domain_is_named(void **state)
{
	const struct view domains[] = {VIEW("good.example"), VIEW("a.example,DNS:evil.example")};
	const struct tls_request request = {.domains = domains, .n_domains = 2};
	const struct tls_request none = {.domains = domains, .n_domains = 0};
	EVP_PKEY *key = tls_key_make(TLS_KEY_P256);
	struct view pem, wrong = VIEW_NONE;

	(void)state;
	assert_int_equal(tls_request_make(key, &request, &pem, &wrong), -EINVAL);
	assert_true(view_equal(wrong, domains[1]));
	assert_int_equal(tls_request_make(key, &none, &pem, &wrong), -EINVAL);
	EVP_PKEY_free(key);
}

static void a_key_is_written_for_its_user_alone_and_never_written_over(void **state)
{
	char dir[] = "/tmp/tls-request-XXXXXX", path[64];
	const struct view domains[] = {VIEW("contoso.example")};
	const struct tls_request request = {.domains = domains, .n_domains = 1};
	EVP_PKEY *key = tls_key_make(TLS_KEY_P384), *read;
	struct view pem, wrong;
	struct errors errors;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/key", dir);
	umask(0);
	assert_int_equal(tls_key_write(key, path), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(tls_key_write(key, path), -EEXIST);
	errors_init(&errors, "test");
	read = tls_pem_key(&(struct tls_pem){.path = path}, &errors);
	assert_non_null(read);
	assert_int_equal(EVP_PKEY_eq(read, key), 1);
	// For a renewal the key that was read makes a request as the new one did.
	assert_int_equal(tls_request_make(read, &request, &pem, &wrong), 0);
	free((void *)(uintptr_t)pem.at);
	EVP_PKEY_free(read);
	EVP_PKEY_free(key);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_names_the_domains_and_the_host),
		cmocka_unit_test(an_international_domain_is_requested_as_its_a_label),
		cmocka_unit_test(what_is_no_domain_is_named),
		cmocka_unit_test(a_key_is_written_for_its_user_alone_and_never_written_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
