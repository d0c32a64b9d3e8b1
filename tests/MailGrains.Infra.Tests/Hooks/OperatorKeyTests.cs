using System.Net;
using System.Text.Json;
using MailGrains.Deployment;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Infra.Tests.Hooks;

public sealed class OperatorKeyTests
{
    private const string NotFound = """{"error":{"code":"SecretNotFound","message":"None."}}""";
    private const string NoRole = """{"error":{"code":"Forbidden","message":"Caller is not authorized.","innererror":{"code":"ForbiddenByRbac"}}}""";
    private const string Firewall = """{"error":{"code":"Forbidden","message":"Client address.","innererror":{"code":"ForbiddenByFirewall"}}}""";
    private const string Deleted = """{"error":{"code":"Conflict","message":"Deleted.","innererror":{"code":"ObjectIsDeletedButRecoverable"}}}""";
    private const string Secret = """{"value":"open sesame","id":"https://kv-abc.vault.azure.net/secrets/MailGrains--Admin--ApiKey/1"}""";

    private readonly FakeTimeProvider _time = new() { AutoAdvanceAmount = TimeSpan.FromSeconds(1) };
    private readonly List<string> _told = [];

    [Fact]
    public async Task A_key_of_256_bits_is_made_where_there_is_none()
    {
        var vault = new Answers((HttpStatusCode.NotFound, NotFound), (HttpStatusCode.OK, Secret));

        Assert.True(await EnsureAsync(vault));

        Assert.Equal(["GET", "PUT"], vault.Requests.Select(request => request.Method));
        Assert.All(vault.Requests, request => Assert.Equal("/secrets/MailGrains--Admin--ApiKey", request.Address.AbsolutePath));
        Assert.Matches("^[0-9a-f]{64}$", JsonDocument.Parse(vault.Requests[1].Body).RootElement.GetProperty("value").GetString());
    }

    [Fact]
    public async Task No_two_deployments_get_the_same_key()
    {
        var (one, other) = (new Answers((HttpStatusCode.NotFound, NotFound), (HttpStatusCode.OK, Secret)), new Answers((HttpStatusCode.NotFound, NotFound), (HttpStatusCode.OK, Secret)));

        await EnsureAsync(one);
        await EnsureAsync(other);

        Assert.NotEqual(one.Requests[1].Body, other.Requests[1].Body);
    }

    [Fact]
    public async Task A_key_that_is_there_stays()
    {
        var vault = new Answers((HttpStatusCode.OK, Secret));

        Assert.False(await EnsureAsync(vault));

        Assert.Equal("GET", Assert.Single(vault.Requests).Method);
    }

    [Fact]
    public async Task Roles_that_do_not_hold_yet_and_names_that_are_not_known_yet_are_waited_for()
    {
        var vault = new Answers(
            (0, ""), (HttpStatusCode.Forbidden, NoRole), (HttpStatusCode.NotFound, NotFound), (HttpStatusCode.Forbidden, NoRole), (HttpStatusCode.OK, Secret));

        Assert.True(await EnsureAsync(vault));

        Assert.Equal(["GET", "GET", "GET", "PUT", "PUT"], vault.Requests.Select(request => request.Method));
        Assert.Contains("403 ForbiddenByRbac", _told[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_role_that_never_comes_is_named_in_the_end()
    {
        var started = _time.GetUtcNow();

        var failure = await Assert.ThrowsAsync<HookException>(() => EnsureAsync(new Answers((HttpStatusCode.Forbidden, NoRole))));

        Assert.Contains("Key Vault Secrets Officer", failure.Message, StringComparison.Ordinal);
        Assert.InRange(_time.GetUtcNow() - started, OperatorKey.Patience - TimeSpan.FromMinutes(1), OperatorKey.Patience + TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task A_firewall_is_not_waited_for()
    {
        var vault = new Answers((HttpStatusCode.Forbidden, Firewall));

        var failure = await Assert.ThrowsAsync<HookException>(() => EnsureAsync(vault));

        Assert.Contains("MAILGRAINS_OPERATOR_IP_RANGES", failure.Message, StringComparison.Ordinal);
        Assert.Single(vault.Requests);
    }

    [Fact]
    public async Task A_key_that_was_deleted_is_recovered_by_hand()
    {
        var vault = new Answers((HttpStatusCode.NotFound, NotFound), (HttpStatusCode.Conflict, Deleted));

        var failure = await Assert.ThrowsAsync<HookException>(() => EnsureAsync(vault));

        Assert.Contains("az keyvault secret recover", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_word_that_is_told_holds_a_key()
    {
        var vault = new Answers((HttpStatusCode.NotFound, NotFound), (HttpStatusCode.ServiceUnavailable, Secret), (HttpStatusCode.BadRequest, Secret));

        var failure = await Assert.ThrowsAsync<HookException>(() => EnsureAsync(vault));

        var key = JsonDocument.Parse(vault.Requests[1].Body).RootElement.GetProperty("value").GetString()!;
        Assert.All(_told.Append(failure.ToString()), told =>
        {
            Assert.DoesNotContain(key, told, StringComparison.Ordinal);
            Assert.DoesNotContain("open sesame", told, StringComparison.Ordinal);
        });
        Assert.NotEmpty(_told);
    }

    [Fact]
    public void No_token_goes_where_it_could_be_read()
    {
        Assert.Throws<HookException>(() => new AzureEndpoint(new HttpClient(), null!, new Uri("http://kv-abc.vault.azure.net/"), "s", null));
    }

    // Time goes on whenever somebody waits for it.
    private async Task<bool> EnsureAsync(Answers vault)
    {
        var done = new OperatorKey(vault.Endpoint(), _time, _told.Add).EnsureAsync(TestContext.Current.CancellationToken);
        while (!done.IsCompleted)
        {
            _time.Advance(TimeSpan.FromSeconds(10));
            await Task.Yield();
        }

        return await done;
    }
}
