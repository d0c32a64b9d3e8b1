using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MailGrains.Gateways.Acme.Protocol;

/// <summary>An order that is about to be finalized: with its key what the authority issues can be fetched, whoever asked for it.</summary>
/// <param name="Key">PEM. Secret.</param>
/// <param name="Directory">Of the authority that has it; null: it is not known.</param>
/// <param name="Misses">How often it was asked for and nothing was heard.</param>
internal sealed record PendingOrder(string Url, string Key, string? Directory = null, int Misses = 0)
{
    /// <summary>Keeps the key out of logs.</summary>
    public override string ToString() => Url;
}

/// <param name="Chain">PEM, leaf first.</param>
/// <param name="Key">PEM. Secret.</param>
internal sealed record IssuedCertificate(string Chain, string Key)
{
    /// <summary>Keeps the key out of logs.</summary>
    public override string ToString() => nameof(IssuedCertificate);
}

/// <summary>What an order needs of its caller.</summary>
/// <param name="PublishAsync">From its return on, whoever asks for one of the tokens gets its answer (RFC 8555 §8.3).</param>
/// <param name="KeepAsync">Keeps what a successor needs to fetch the certificate, before the authority is asked for it.</param>
internal sealed record OrderSteps(
    Func<IReadOnlyDictionary<string, string>, CancellationToken, Task> PublishAsync, Func<PendingOrder, CancellationToken, Task> KeepAsync);

/// <summary>How one certificate is got: order, challenges by HTTP-01, request, download. Nothing is kept here between two calls.</summary>
internal sealed class CertificateOrder(AcmeClient client, OrderSteps steps, TimeProvider time)
{
    private const int MaxChainChars = 20_000;

    // A server's Retry-After is kept to between these.
    private static readonly TimeSpan LeastWait = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan MostWait = TimeSpan.FromSeconds(30);

    /// <summary>For the authority to look at our answers, and again to issue.</summary>
    private static readonly TimeSpan StepLimit = TimeSpan.FromMinutes(3);

    /// <param name="names">Lower-case A-labels.</param>
    /// <param name="pending">What a predecessor kept; gone on with where it still leads to a certificate.</param>
    /// <param name="replaces">See <see cref="AcmeClient.NewOrderAsync"/>.</param>
    /// <exception cref="AcmeException">There is none; the message says why.</exception>
    public async Task<IssuedCertificate> IssueAsync(
        IReadOnlyList<string> names, PendingOrder? pending, X509Certificate2? replaces, CancellationToken cancellationToken)
    {
        if (pending is not null && await ResumeAsync(names, pending, cancellationToken) is { } resumed)
        {
            return resumed;
        }

        var (url, order) = await client.NewOrderAsync(names, replaces, cancellationToken);
        foreach (var authorization in await AnswerAsync(names, order, cancellationToken))
        {
            await WaitAsync(
                async () =>
                {
                    var (found, retryAfter) = await client.GetAuthorizationAsync(authorization, cancellationToken);
                    return found.Status switch
                    {
                        AcmeStatus.Valid => (true, retryAfter),
                        AcmeStatus.Pending or AcmeStatus.Processing => (false, retryAfter),
                        _ => throw RefusalOf(found),
                    };
                },
                "The authority has not looked at the challenge in time", cancellationToken);
        }

        order = await OrderThatIsAsync(url, AcmeStatus.Ready, cancellationToken);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await steps.KeepAsync(new PendingOrder(url.OriginalString, key.ExportPkcs8PrivateKeyPem()), cancellationToken);
        return await FinishAsync(names, url, order, key, cancellationToken);
    }

    private async Task<IssuedCertificate?> ResumeAsync(IReadOnlyList<string> names, PendingOrder pending, CancellationToken cancellationToken)
    {
        try
        {
            if (!Uri.TryCreate(pending.Url, UriKind.Absolute, out var url))
            {
                return null;
            }

            var (order, _) = await client.GetOrderAsync(url, cancellationToken);
            if (order.Status is not (AcmeStatus.Ready or AcmeStatus.Processing or AcmeStatus.Valid) ||
                order.Identifiers is null || !order.Identifiers.Select(i => i.Value).ToHashSet().SetEquals(names))
            {
                return null;
            }

            using var key = ECDsa.Create();
            key.ImportFromPem(pending.Key);
            return await FinishAsync(names, url, order, key, cancellationToken);
        }
        catch (AcmeException e) when (e.Kind is not (AcmeException.RateLimited or AcmeException.NoAnswer))
        {
            // It has gone, or was for another account: a new one is made.
            return null;
        }
    }

    private async Task<IssuedCertificate> FinishAsync(
        IReadOnlyList<string> names, Uri url, AcmeOrder order, ECDsa key, CancellationToken cancellationToken)
    {
        if (order.Status == AcmeStatus.Ready)
        {
            await client.FinalizeAsync(order, RequestFor(names, key), cancellationToken);
        }

        order = await OrderThatIsAsync(url, AcmeStatus.Valid, cancellationToken);
        var certificate = order.Certificate ?? throw new AcmeException(AcmeException.NoAnswer, "The order is valid and has no certificate");
        return Checked(await client.DownloadAsync(certificate, cancellationToken), names, key);
    }

    /// <summary>Publishes an answer to each open challenge and says so; the authorizations to wait for.</summary>
    private async Task<IReadOnlyList<Uri>> AnswerAsync(IReadOnlyList<string> names, AcmeOrder order, CancellationToken cancellationToken)
    {
        if (order.Authorizations.Count > names.Count)
        {
            throw new AcmeException(AcmeException.NoAnswer, "The order has more authorizations than names");
        }

        var open = new List<(Uri Url, AcmeChallenge Challenge)>();
        var answers = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var url in order.Authorizations)
        {
            var (authorization, _) = await client.GetAuthorizationAsync(url, cancellationToken);
            if (authorization.Status == AcmeStatus.Valid)
            {
                continue;
            }

            if (authorization.Status != AcmeStatus.Pending)
            {
                throw RefusalOf(authorization);
            }

            var challenge = authorization.Challenges.FirstOrDefault(c => c is { Type: "http-01" } && ChallengeToken.IsGood(c.Token))
                ?? throw new AcmeException(AcmeException.NoAnswer, $"{authorization.Identifier.Value}: HTTP-01 is not offered");
            answers[challenge.Token!] = client.KeyAuthorization(challenge.Token!);
            open.Add((url, challenge));
        }

        if (open.Count > 0)
        {
            await steps.PublishAsync(answers, cancellationToken);
        }

        foreach (var (_, challenge) in open)
        {
            if (challenge.Status is null or AcmeStatus.Pending)
            {
                await client.AnswerAsync(challenge, cancellationToken);
            }
        }

        return [.. open.Select(o => o.Url)];
    }

    private async Task<AcmeOrder> OrderThatIsAsync(Uri url, string status, CancellationToken cancellationToken)
    {
        AcmeOrder? found = null;
        await WaitAsync(
            async () =>
            {
                var (order, retryAfter) = await client.GetOrderAsync(url, cancellationToken);
                found = order;
                return order.Status == status || order.Status == AcmeStatus.Valid ? (true, retryAfter)
                    : order.Status is AcmeStatus.Pending or AcmeStatus.Ready or AcmeStatus.Processing ? (false, retryAfter)
                    : throw AcmeException.Of(order.Error, $"The order is {order.Status}");
            },
            $"The order has not become {status} in time", cancellationToken);
        return found!;
    }

    private async Task WaitAsync(Func<Task<(bool IsDone, TimeSpan? RetryAfter)>> look, string late, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        for (var wait = LeastWait; ; wait = Bounded(wait * 2))
        {
            var (isDone, retryAfter) = await look();
            if (isDone)
            {
                return;
            }

            if (time.GetElapsedTime(started) >= StepLimit)
            {
                throw new AcmeException(AcmeException.NoAnswer, late);
            }

            await Task.Delay(Bounded(retryAfter ?? wait), time, cancellationToken);
        }
    }

    private static TimeSpan Bounded(TimeSpan wait) => wait < LeastWait ? LeastWait : wait > MostWait ? MostWait : wait;

    private static AcmeException RefusalOf(AcmeAuthorization authorization)
    {
        var name = authorization.Identifier.Value;
        var refusal = AcmeException.Of(authorization.Challenges.FirstOrDefault(c => c is { Error: not null })?.Error, $"{name} is {authorization.Status}");
        return new AcmeException(refusal.Kind, refusal.Message, refusal.RetryAfter) { Identifier = name };
    }

    private static byte[] RequestFor(IReadOnlyList<string> names, ECDsa key)
    {
        // No common name: it may have 64 characters only, and the names stand in the extension (RFC 8555 §7.4).
        var request = new CertificateRequest(new X500DistinguishedName(""), key, HashAlgorithmName.SHA256);
        var alternative = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
        {
            alternative.AddDnsName(name);
        }

        request.CertificateExtensions.Add(alternative.Build());
        return request.CreateSigningRequest();
    }

    private IssuedCertificate Checked(string chain, IReadOnlyList<string> names, ECDsa key)
    {
        var keyPem = key.ExportPkcs8PrivateKeyPem();
        try
        {
            if (chain.Length > MaxChainChars)
            {
                throw new AcmeException(AcmeException.NoAnswer, "The certificate's chain is too long");
            }

            using var leaf = X509Certificate2.CreateFromPem(chain, keyPem);
            return names.FirstOrDefault(name => !leaf.MatchesHostname(name, allowWildcards: false, allowCommonName: false)) is { } missing
                ? throw new AcmeException(AcmeException.NoAnswer, $"The certificate is not for {missing}")
                : leaf.NotAfter.ToUniversalTime() <= time.GetUtcNow()
                ? throw new AcmeException(AcmeException.NoAnswer, "The certificate has expired")
                : new IssuedCertificate(chain, keyPem);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new AcmeException(AcmeException.NoAnswer, $"The certificate can't be read: {e.Message}", inner: e);
        }
    }
}
