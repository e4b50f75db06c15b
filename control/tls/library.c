// SPDX-License-Identifier: BSD-3-Clause
// A provider that has no algorithm of its own: it asks the default provider of a library context
// behind it, and shows a part of the answer.

#include "control/tls/library.h"

#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#define NAME      "fedrelay"
#define SHOWN_MAX 32

// What is shown of an operation: those of a name, with a property.
struct part {
	OSSL_ALGORITHM algorithms[SHOWN_MAX + 1]; // an empty one at the end
};

// Written once, under once_control.
static pthread_once_t once_control = PTHREAD_ONCE_INIT;
static OSSL_LIB_CTX *whole, *shown;
static OSSL_PROVIDER *behind;
static struct part decoders, key_types;

static bool is_one_of(const char *names, const char *const list[])
{
	size_t n = strcspn(names, ":");

	for (; *list != NULL; list++) {
		if (strlen(*list) == n && strncmp(*list, names, n) == 0)
			return true;
	}
	return false;
}

// property: NULL, any.
static void show(int operation, const char *const list[], const char *property, struct part *part)
{
	int no_cache = 0;
	const OSSL_ALGORITHM *all = OSSL_PROVIDER_query_operation(behind, operation, &no_cache);
	size_t n = 0;

	for (; all != NULL && all->algorithm_names != NULL && n < SHOWN_MAX; all++) {
		if (is_one_of(all->algorithm_names, list) &&
			(property == NULL || strstr(all->property_definition, property) != NULL))
			part->algorithms[n++] = *all;
	}
}

static const OSSL_ALGORITHM *query(void *context, int operation, int *no_cache)
{
	(void)context;
	switch (operation) {
	case OSSL_OP_DECODER:
		*no_cache = 0;
		return decoders.algorithms;
	case OSSL_OP_KEYMGMT:
		*no_cache = 0;
		return key_types.algorithms;
	case OSSL_OP_STORE:
		return NULL;
	default:
		return OSSL_PROVIDER_query_operation(behind, operation, no_cache);
	}
}

// The groups of the key exchange among them.
static int get_capabilities(void *context, const char *capability, OSSL_CALLBACK *each, void *arg)
{
	(void)context;
	return OSSL_PROVIDER_get_capabilities(behind, capability, each, arg);
}

// OSSL_DISPATCH holds every function as if it had no parameters.
#define FUNCTION(f) ((void (*)(void))(f))

static int provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
	const OSSL_DISPATCH **out, void **context)
{
	static const OSSL_DISPATCH functions[] = {
		{OSSL_FUNC_PROVIDER_QUERY_OPERATION, FUNCTION(query)},
		{OSSL_FUNC_PROVIDER_GET_CAPABILITIES, FUNCTION(get_capabilities)},
		{0, NULL},
	};

	(void)handle, (void)in;
	// The algorithms are the other one's: they are to be given what it would give them.
	*context = OSSL_PROVIDER_get0_provider_ctx(behind);
	*out = functions;
	return 1;
}

static void open_library(void)
{
	static const char *const keys[] = {"EC", "ED25519", "RSA", "RSA-PSS", NULL};
	static const char *const types[] = {"EC", "ED25519", "RSA", "RSA-PSS", "X25519", NULL};
	OSSL_LIB_CTX *made = OSSL_LIB_CTX_new();

	whole = OSSL_LIB_CTX_new();
	if (made == NULL || whole == NULL ||
		(behind = OSSL_PROVIDER_load(whole, "default")) == NULL)
		return;
	show(OSSL_OP_DECODER, keys, "structure=SubjectPublicKeyInfo", &decoders);
	show(OSSL_OP_KEYMGMT, types, NULL, &key_types);
	if (OSSL_PROVIDER_add_builtin(made, NAME, provider_init) == 1 &&
		OSSL_PROVIDER_load(made, NAME) != NULL)
		shown = made;
}

OSSL_LIB_CTX *tls_library(void)
{
	pthread_once(&once_control, open_library);
	return shown;
}

EVP_PKEY *tls_library_key(EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx =
		EVP_PKEY_CTX_new_from_name(tls_library(), EVP_PKEY_get0_type_name(key), NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *copy = NULL;

	if (ctx != NULL && EVP_PKEY_todata(key, EVP_PKEY_KEYPAIR, &params) == 1 &&
		EVP_PKEY_fromdata_init(ctx) == 1)
		EVP_PKEY_fromdata(ctx, &copy, EVP_PKEY_KEYPAIR, params);
	// The private parts are among them.
	for (const OSSL_PARAM *p = params; p != NULL && p->key != NULL; p++)
		OPENSSL_cleanse(p->data, p->data_size);
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	return copy;
}
