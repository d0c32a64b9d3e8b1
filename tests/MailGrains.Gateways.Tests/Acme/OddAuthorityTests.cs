using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MailGrains.Gateways.Acme.Protocol;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Gateways.Tests.Acme;

public sealed class OddAuthorityTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_limit_says_when_to_come_again()
    {
        await using var authority = await OddAuthority.StartAsync(context =>
        {
            context.Response.Headers.RetryAfter = "7200";
            return OddAuthority.ProblemAsync(context, 429, "rateLimited", "too many");
        });
        using var client = await OpenAsync(authority);

        var failure = await Assert.ThrowsAsync<AcmeException>(() => client.NewOrderAsync(["a.test"], null, Stop));

        Assert.Equal((AcmeException.RateLimited, TimeSpan.FromHours(2)), (failure.Kind, failure.RetryAfter!.Value));
    }

    [Fact]
    public async Task A_nonce_that_is_never_good_ends_with_the_reason()
    {
        var asked = 0;
        await using var authority = await OddAuthority.StartAsync(context =>
        {
            asked++;
            return OddAuthority.ProblemAsync(context, 400, "badNonce", "no");
        });
        using var client = await OpenAsync(authority);

        Assert.Equal(AcmeException.BadNonce, (await Assert.ThrowsAsync<AcmeException>(() => client.NewOrderAsync(["a.test"], null, Stop))).Kind);
        Assert.InRange(asked, 2, 20);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("""{"newNonce":"http://198.51.100.1/n","newAccount":"http://198.51.100.1/a","newOrder":"http://198.51.100.1/o"}""")]
    [InlineData("""{"newNonce":"/n","newAccount":"/a","newOrder":"/o"}""")]
    [InlineData("""{"newNonce":null,"newAccount":null,"newOrder":null}""")]
    public async Task A_directory_of_nonsense_or_of_plain_http_is_refused(string text)
    {
        await using var authority = await OddAuthority.StartAsync(_ => Task.CompletedTask);
        authority.DirectoryText = text;

        Assert.Equal(AcmeException.NoAnswer, (await Assert.ThrowsAsync<AcmeException>(() => OpenAsync(authority))).Kind);
    }

    [Fact]
    public async Task An_endless_answer_is_cut_off()
    {
        await using var authority = await OddAuthority.StartAsync(async context =>
        {
            var piece = new byte[64 * 1024];
            while (!context.RequestAborted.IsCancellationRequested)
            {
                await context.Response.Body.WriteAsync(piece, context.RequestAborted);
            }
        });
        using var client = await OpenAsync(authority);

        Assert.Equal(AcmeException.NoAnswer, (await Assert.ThrowsAsync<AcmeException>(() => client.NewOrderAsync(["a.test"], null, Stop))).Kind);
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        var paths = new List<string>();
        await using var authority = await OddAuthority.StartAsync(context =>
        {
            paths.Add(context.Request.Path);
            context.Response.Redirect("/elsewhere");
            return Task.CompletedTask;
        });
        using var client = await OpenAsync(authority);

        await Assert.ThrowsAsync<AcmeException>(() => client.NewOrderAsync(["a.test"], null, Stop));
        Assert.DoesNotContain("/elsewhere", paths);
    }

    [Fact]
    public async Task The_window_in_which_to_renew_is_asked_for_by_issuer_and_serial_number()
    {
        string? path = null;
        await using var authority = await OddAuthority.StartAsync(context =>
        {
            path = context.Request.Path;
            context.Response.Headers.RetryAfter = "21600";
            return Results.Text("""{"suggestedWindow":{"start":"2026-01-02T04:00:00Z","end":"2026-01-03T04:00:00Z"}}""", "application/json").ExecuteAsync(context);
        });
        using var client = await OpenAsync(authority);

        // The example of RFC 9773 §4.1.
        using var certificate = CertificateOf(Convert.FromHexString("69885B6B87464041E1B37B847BA0AE2CDE01C8D4"), Convert.FromHexString("0087654321"));
        var found = await client.RenewalWindowAsync(certificate, Stop);

        Assert.Equal("/renewal/aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE", path);
        Assert.Equal(new DateTimeOffset(2026, 1, 2, 4, 0, 0, TimeSpan.Zero), found!.Value.Window.Start);
        Assert.Equal(TimeSpan.FromHours(6), found.Value.AskAgainAfter);
    }

    [Fact]
    public async Task An_address_that_is_none_is_no_advice_and_no_order()
    {
        await using var authority = await OddAuthority.StartAsync(context =>
        {
            context.Response.Headers.Location = "//[";
            return Results.Text("""{"status":"pending","authorizations":[],"finalize":"https://authority.test/f"}""", "application/json").ExecuteAsync(context);
        });
        authority.DirectoryText = $$"""{"newNonce":"{{authority.Root}}nonce","newAccount":"{{authority.Root}}account","newOrder":"{{authority.Root}}order","renewalInfo":"renewal"}""";
        using var client = await OpenAsync(authority);
        using var certificate = CertificateOf([1, 2], [3]);

        Assert.Null(await client.RenewalWindowAsync(certificate, Stop));
        Assert.Equal(AcmeException.NoAnswer, (await Assert.ThrowsAsync<AcmeException>(() => client.NewOrderAsync(["a.test"], null, Stop))).Kind);
    }

    [Fact]
    public async Task An_order_that_may_replace_nothing_is_made_without_saying_so()
    {
        var bodies = 0;
        await using var authority = await OddAuthority.StartAsync(context =>
        {
            if (bodies++ == 0)
            {
                return OddAuthority.ProblemAsync(context, 409, "alreadyReplaced", "done");
            }

            context.Response.Headers.Location = "https://authority.test/order/1";
            return Results.Text("""{"status":"pending","authorizations":[],"finalize":"https://authority.test/f"}""", "application/json").ExecuteAsync(context);
        });
        using var client = await OpenAsync(authority);
        using var certificate = CertificateOf([1, 2], [3]);

        var (url, order) = await client.NewOrderAsync(["a.test"], certificate, Stop);

        Assert.Equal(("https://authority.test/order/1", AcmeStatus.Pending, 2), (url.OriginalString, order.Status, bodies));
    }

    [Fact]
    public async Task An_order_that_never_comes_to_an_end_is_given_up_in_time()
    {
        var time = new FakeTimeProvider { AutoAdvanceAmount = TimeSpan.FromSeconds(20) };
        await using var authority = await OddAuthority.StartAsync(context =>
        {
            context.Response.Headers.Location = $"{context.Request.Scheme}://{context.Request.Host}/order/1";
            return Results.Text("""{"status":"processing","authorizations":[],"finalize":"https://authority.test/f"}""", "application/json").ExecuteAsync(context);
        });
        using var client = await OpenAsync(authority);
        var order = new CertificateOrder(client, new OrderSteps((_, _) => Task.CompletedTask, (_, _) => Task.CompletedTask), time);

        var issuing = order.IssueAsync(["a.test"], null, null, Stop);
        while (!issuing.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        Assert.Contains("in time", (await Assert.ThrowsAsync<AcmeException>(() => issuing)).Message, StringComparison.Ordinal);
    }

    private static Task<AcmeClient> OpenAsync(OddAuthority authority) =>
        AcmeClient.OpenAsync(authority.Directory, AcmeKey.MakePem(), null, null, TimeProvider.System, Stop);

    private static X509Certificate2 CertificateOf(byte[] issuerKey, byte[] serialNumber)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=leaf", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(issuerKey));
        return request.Create(
            new X500DistinguishedName("CN=issuer"), X509SignatureGenerator.CreateForECDsa(key), DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddDays(1), serialNumber);
    }
}
