using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MailGrains.Gateways.Acme.Protocol;
using MailGrains.Testing.Daemons;

namespace MailGrains.Gateways.Tests.Acme;

/// <summary>One Pebble that refuses a third of good nonces, and a responder that it asks.</summary>
public sealed class PebbleFixture : IAsyncLifetime
{
    internal ChallengeResponder Responder { get; private set; } = null!;

    public PebbleServer Pebble { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Responder = await ChallengeResponder.StartAsync();
        Pebble = await PebbleServer.StartAsync(Responder.Port, refusedNonces: 33);
    }

    public async ValueTask DisposeAsync()
    {
        if (Pebble is not null)
        {
            await Pebble.DisposeAsync();
        }

        await Responder.DisposeAsync();
    }
}

/// <summary>The client against an authority that nobody here wrote.</summary>
public sealed class PebbleTests(PebbleFixture shared) : IClassFixture<PebbleFixture>
{
    private readonly string _accountKey = AcmeKey.MakePem();
    private PendingOrder? _kept;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_certificate_is_issued_for_all_names_with_a_chain_to_the_authoritys_root()
    {
        string[] names = ["mail.one.test", "mta-sts.one.test"];
        using var client = await OpenAsync();

        var issued = await OrderBy(client).IssueAsync(names, null, null, Stop);

        using var leaf = X509Certificate2.CreateFromPem(issued.Chain, issued.Key);
        Assert.All(names, name => Assert.True(leaf.MatchesHostname(name, allowWildcards: false, allowCommonName: false)));
        var others = new X509Certificate2Collection();
        others.ImportFromPem(issued.Chain);
        Assert.True(others.Count > 1);
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.CustomTrustStore.Add(await shared.Pebble.RootAsync(Stop));
        chain.ChainPolicy.ExtraStore.AddRange(others);
        Assert.True(chain.Build(leaf), string.Join(", ", chain.ChainStatus.Select(s => s.StatusInformation)));
    }

    [Fact]
    public async Task The_account_is_found_again_by_its_key_and_its_contact_changed()
    {
        using (await OpenAsync("first@one.test"))
        {
        }

        using var again = await OpenAsync("second@one.test");

        Assert.NotEmpty((await OrderBy(again).IssueAsync(["mail.again.test"], null, null, Stop)).Chain);
    }

    [Fact]
    public async Task An_answer_that_is_wrong_is_the_reason_and_names_the_name()
    {
        using var client = await OpenAsync();
        var order = new CertificateOrder(client, new OrderSteps((_, _) => Task.CompletedTask, (_, _) => Task.CompletedTask), TimeProvider.System);

        var failure = await Assert.ThrowsAsync<AcmeException>(() => order.IssueAsync(["mail.wrong.test"], null, null, Stop));

        Assert.Equal("unauthorized", failure.Kind);
        Assert.Contains("mail.wrong.test", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_that_leads_nowhere_is_the_reason()
    {
        await shared.Pebble.PointAsync("mail.nowhere.test", "127.0.0.99", Stop);
        using var client = await OpenAsync();

        var failure = await Assert.ThrowsAsync<AcmeException>(() => OrderBy(client).IssueAsync(["mail.nowhere.test"], null, null, Stop));

        Assert.Equal("connection", failure.Kind);
    }

    [Fact]
    public async Task A_name_that_can_be_none_is_refused_with_the_order()
    {
        using var client = await OpenAsync();

        var failure = await Assert.ThrowsAsync<AcmeException>(() => OrderBy(client).IssueAsync(["192.0.2.1"], null, null, Stop));

        Assert.NotEqual(AcmeException.NoAnswer, failure.Kind);
        Assert.Contains("192.0.2.1", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_slow_look_at_the_challenge_is_waited_for()
    {
        using var client = await OpenAsync();
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        shared.Responder.Gate = () =>
        {
            asked.TrySetResult();
            return gate.Task;
        };
        try
        {
            var issuing = OrderBy(client).IssueAsync(["mail.slow.test"], null, null, Stop);
            await asked.Task.WaitAsync(Stop);
            Assert.False(issuing.IsCompleted);
            gate.SetResult();

            Assert.NotEmpty((await issuing).Chain);
        }
        finally
        {
            gate.TrySetResult();
            shared.Responder.Gate = () => Task.CompletedTask;
        }
    }

    [Fact]
    public async Task Who_comes_after_one_that_was_lost_before_it_asked_gets_the_certificate_of_the_same_order()
    {
        using var client = await OpenAsync();
        var lost = new CertificateOrder(client, new OrderSteps(PublishAsync, async (order, _) =>
        {
            _kept = order;
            await Task.FromException(new OperationCanceledException("lost"));
        }), TimeProvider.System);
        await Assert.ThrowsAsync<OperationCanceledException>(() => lost.IssueAsync(["mail.lost.test"], null, null, Stop));

        using var next = await OpenAsync();
        var order = new CertificateOrder(next, new OrderSteps(NeverAsync, (_, _) => throw new InvalidOperationException("a new order")), TimeProvider.System);
        var issued = await order.IssueAsync(["mail.lost.test"], _kept, null, Stop);
        var again = await order.IssueAsync(["mail.lost.test"], _kept, null, Stop);

        Assert.Equal(_kept!.Key, issued.Key);
        Assert.Equal(issued.Chain, again.Chain);
    }

    [Fact]
    public async Task A_kept_order_that_the_authority_does_not_know_gives_way_to_a_new_one()
    {
        using var client = await OpenAsync();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var unknown = new PendingOrder(new Uri(shared.Pebble.Directory, "/my-order/nonesuch").OriginalString, key.ExportPkcs8PrivateKeyPem());

        Assert.NotEqual(unknown.Key, (await OrderBy(client).IssueAsync(["mail.unknown.test"], unknown, null, Stop)).Key);
    }

    private Task<AcmeClient> OpenAsync(string? contact = null) => AcmeClient.OpenAsync(
        shared.Pebble.Directory, _accountKey, contact, File.ReadAllText(shared.Pebble.TrustedRoot), TimeProvider.System, Stop);

    private CertificateOrder OrderBy(AcmeClient client) =>
        new(client, new OrderSteps(PublishAsync, (_, _) => Task.CompletedTask), TimeProvider.System);

    private Task PublishAsync(IReadOnlyDictionary<string, string> answers, CancellationToken cancellationToken)
    {
        foreach (var (token, answer) in answers)
        {
            shared.Responder.Answers[token] = answer;
        }

        return Task.CompletedTask;
    }

    private static Task NeverAsync(IReadOnlyDictionary<string, string> answers, CancellationToken cancellationToken) =>
        throw new InvalidOperationException("a new challenge");
}
