package main

import (
	"crypto/tls"
	"crypto/x509"
	"os"

	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/kerberos"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// login is who we are, by the mechanism that is asked for; nil if none is.
func login(given map[string]string) sasl.Mechanism {
	user, password := given["username"], given["password"]
	switch given["sasl.mechanism"] {
	case "PLAIN":
		return plain.Auth{User: user, Pass: password}.AsMechanism()
	case "SCRAM-SHA-256":
		return scram.Auth{User: user, Pass: password}.AsSha256Mechanism()
	case "SCRAM-SHA-512":
		return scram.Auth{User: user, Pass: password}.AsSha512Mechanism()
	case "OAUTHBEARER":
		return oauth.Auth{Token: given["token"]}.AsMechanism()
	case "GSSAPI":
		tickets := ticketsOf(user, given["realm"], given["keytab"])
		return kerberos.Auth{Client: tickets, Service: given["service"]}.AsMechanismWithClose()
	}
	return nil
}

// ticketsOf is a client of the KDC that KRB5_CONFIG names.
func ticketsOf(user, realm, path string) *client.Client {
	configuration, err := config.Load(os.Getenv("KRB5_CONFIG"))
	if err != nil {
		panic(err)
	}
	keys, err := keytab.Load(path)
	if err != nil {
		panic(err)
	}
	return client.NewWithKeytab(user, realm, keys, configuration, client.DisablePAFXFAST(true))
}

// encryption is whom we trust and what we show; the names are those of librdkafka.
func encryption(given map[string]string) *tls.Config {
	settings := &tls.Config{}
	if path := given["ssl.ca.location"]; path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			panic(err)
		}
		settings.RootCAs = x509.NewCertPool()
		settings.RootCAs.AppendCertsFromPEM(text)
	}
	if path := given["ssl.certificate.location"]; path != "" {
		shown, err := tls.LoadX509KeyPair(path, given["ssl.key.location"])
		if err != nil {
			panic(err)
		}
		settings.Certificates = []tls.Certificate{shown}
	}
	return settings
}
