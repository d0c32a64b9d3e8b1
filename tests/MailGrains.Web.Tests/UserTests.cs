using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace MailGrains.Web.Tests;

/// <summary>What users see and change of their own account.</summary>
[Collection(SharedWeb.Name)]
public sealed class UserTests(WebCluster cluster)
{
    private const string Password = "open sesame";
    private const string Path = "/api/v1/me";
    private const string AppPasswords = Path + "/app-passwords";

    private HttpClient Operator => cluster.Web.Operator;

    [Fact]
    public async Task UserSeesTheOwnAccount()
    {
        var user = await NewUserAsync(quota: 1_000);

        var shown = await AskAsync(HttpStatusCode.OK, HttpMethod.Get, Path, user);

        Assert.Equal((user.Address, 1_000, 0), ((string)shown!["address"]!, (long)shown["quotaBytes"]!, (int)shown["appPasswords"]!));
        Assert.Equal(0, (long)shown["usedBytes"]!);
    }

    [Fact]
    public async Task WhateverIsWrongIsAnsweredAlike()
    {
        var user = await NewUserAsync();
        var answers = new HashSet<string>();
        foreach (var authorization in new[]
        {
            null, "", "Basic", "Basic ?", $"Bearer {WebHost.Key}", Basic("", WebHost.Key), Basic(user.Address, "wrong"), Basic(user.Address, ""),
            Basic("nobody@" + user.Address.Split('@')[1], Password), Basic("nobody@elsewhere.test", Password), Basic("nobody", Password),
            Basic(user.Address + "x", Password), "Basic " + new string('A', 5_000),
        })
        {
            using var response = await SendAsync(HttpMethod.Get, Path, authorization, null);
            var problem = await response.ReadAsync(HttpStatusCode.Unauthorized);
            problem!.AsObject().Remove("traceId");
            answers.Add(problem.ToJsonString() + response.Headers.WwwAuthenticate);
        }

        Assert.Contains("Basic realm=", Assert.Single(answers), StringComparison.Ordinal);
        await ForgiveAsync();
    }

    [Theory]
    [InlineData("Forwarded", "for=192.0.2.1")]
    [InlineData("X-Forwarded-For", "192.0.2.1")]
    public async Task PasswordThatMayHaveComeInClearIsNotHeard(string header, string value)
    {
        var user = await NewUserAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, cluster.Web.Anonymous.UriOf(Path));
        request.Headers.TryAddWithoutValidation("Authorization", Basic(user.Address, user.Password));
        request.Headers.TryAddWithoutValidation(header, value);
        using var response = await cluster.Web.Anonymous.SendAsync(request, TestContext.Current.CancellationToken);
        await response.ReadAsync(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task FormOfSomebodyElsesPageChangesNothing()
    {
        var user = await NewUserAsync();
        foreach (var type in new[] { "text/plain", "application/x-www-form-urlencoded", null })
        {
            using var content = new ByteArrayContent("""{"label":"a","scopes":["smtp"]}"""u8.ToArray());
            content.Headers.ContentType = type is null ? null : new(type);
            using var response = await SendAsync(HttpMethod.Post, AppPasswords, Basic(user.Address, user.Password), content);
            await response.ReadAsync(HttpStatusCode.UnsupportedMediaType);
        }

        Assert.Empty(await ListAsync(user));
    }

    [Fact]
    public async Task UserChangesThePassword()
    {
        var user = await NewUserAsync();
        await AskAsync(HttpStatusCode.BadRequest, HttpMethod.Put, Path + "/password", user, "{}");
        await AskAsync(HttpStatusCode.BadRequest, HttpMethod.Put, Path + "/password", user, """{"current":"open sesame","new":"short"}""");
        await AskAsync(HttpStatusCode.Forbidden, HttpMethod.Put, Path + "/password", user, """{"current":"wrong","new":"another word"}""");
        await AskAsync(HttpStatusCode.NoContent, HttpMethod.Put, Path + "/password", user, """{"current":"open sesame","new":"another word"}""");

        await AskAsync(HttpStatusCode.Unauthorized, HttpMethod.Get, Path, user);
        await AskAsync(HttpStatusCode.OK, HttpMethod.Get, Path, user with { Password = "another word" });
        await ForgiveAsync();
    }

    [Fact]
    public async Task AppPasswordIsSeenOnceAndManagesNothing()
    {
        var user = await NewUserAsync();
        await AskAsync(HttpStatusCode.BadRequest, HttpMethod.Post, AppPasswords, user, """{"scopes":["smtp"]}""");
        await AskAsync(HttpStatusCode.BadRequest, HttpMethod.Post, AppPasswords, user, """{"label":"phone"}""");
        await AskAsync(HttpStatusCode.BadRequest, HttpMethod.Post, AppPasswords, user, """{"label":"phone","scopes":["all"]}""");

        var made = await AskAsync(HttpStatusCode.Created, HttpMethod.Post, AppPasswords, user, """{"label":"phone","scopes":["imap","web"]}""");
        var (id, secret) = ((string)made!["appPassword"]!["id"]!, (string)made["secret"]!);

        var listed = Assert.Single(await ListAsync(user));
        Assert.Equal((id, "phone"), ((string)listed["id"]!, (string)listed["label"]!));
        Assert.DoesNotContain(secret, listed.ToJsonString(), StringComparison.Ordinal);
        var program = user with { Password = secret };
        Assert.Equal(1, (int)(await AskAsync(HttpStatusCode.OK, HttpMethod.Get, Path, program))!["appPasswords"]!);
        await AskAsync(HttpStatusCode.Forbidden, HttpMethod.Get, AppPasswords, program);
        await AskAsync(HttpStatusCode.Forbidden, HttpMethod.Post, AppPasswords, program, """{"label":"b","scopes":["smtp"]}""");
        await AskAsync(HttpStatusCode.Forbidden, HttpMethod.Delete, $"{AppPasswords}/{id}", program);
        await AskAsync(HttpStatusCode.Forbidden, HttpMethod.Put, Path + "/password", program, $$"""{"current":"{{secret}}","new":"another word"}""");

        await AskAsync(HttpStatusCode.NoContent, HttpMethod.Delete, $"{AppPasswords}/{id}", user);
        await AskAsync(HttpStatusCode.NotFound, HttpMethod.Delete, $"{AppPasswords}/{id}", user);
        await AskAsync(HttpStatusCode.Unauthorized, HttpMethod.Get, Path, program);
        await ForgiveAsync();
    }

    [Fact]
    public async Task AppPasswordsBelongToTheirAccountAndTenant()
    {
        var (ours, theirs) = (await NewUserAsync(), await NewUserAsync());
        var made = await AskAsync(HttpStatusCode.Created, HttpMethod.Post, AppPasswords, ours, """{"label":"phone","scopes":["imap"]}""");
        var id = (string)made!["appPassword"]!["id"]!;

        Assert.Empty(await ListAsync(theirs));
        await AskAsync(HttpStatusCode.NotFound, HttpMethod.Delete, $"{AppPasswords}/{id}", theirs);
        foreach (var path in new[] { $"mailboxes/{ours.Address}/app-passwords/{id}", $"mailboxes/{theirs.Address}/app-passwords/{id}" })
        {
            await Operator.DeleteAsync(HttpStatusCode.NotFound, $"/{theirs.Tenant}/{path}");
        }

        await Operator.GetAsync(HttpStatusCode.NotFound, $"/{theirs.Tenant}/mailboxes/{ours.Address}/app-passwords");
        var listed = await Operator.GetAsync(HttpStatusCode.OK, $"/{ours.Tenant}/mailboxes/{ours.Address}/app-passwords");
        Assert.Equal(id, (string)Assert.Single(listed!["items"]!.AsArray())!["id"]!);
        await Operator.DeleteAsync(HttpStatusCode.NoContent, $"/{ours.Tenant}/mailboxes/{ours.Address}/app-passwords/{id}");
        Assert.Empty(await ListAsync(ours));
    }

    [Fact]
    public async Task LockoutIsShownAndLiftedByItsOperator()
    {
        var (ours, theirs) = (await NewUserAsync(), await NewUserAsync());
        await AskAsync(HttpStatusCode.Unauthorized, HttpMethod.Get, Path, ours with { Password = "wrong" });
        var path = $"mailboxes/{ours.Address}/lockout";

        Assert.Equal(1, (int)(await Operator.GetAsync(HttpStatusCode.OK, $"/{ours.Tenant}/{path}"))!["failures"]!);
        Assert.True((int)(await LockoutAsync(HttpStatusCode.OK, HttpMethod.Get, "127.0.0.1"))!["failures"]! >= 1);
        await Operator.GetAsync(HttpStatusCode.NotFound, $"/{theirs.Tenant}/{path}");
        await Operator.DeleteAsync(HttpStatusCode.NotFound, $"/{theirs.Tenant}/{path}");

        await Operator.DeleteAsync(HttpStatusCode.NoContent, $"/{ours.Tenant}/{path}");
        await ForgiveAsync();
        Assert.Equal(0, (int)(await Operator.GetAsync(HttpStatusCode.OK, $"/{ours.Tenant}/{path}"))!["failures"]!);
        Assert.Equal(0, (int)(await LockoutAsync(HttpStatusCode.OK, HttpMethod.Get, "127.0.0.1"))!["failures"]!);
        await LockoutAsync(HttpStatusCode.OK, HttpMethod.Get, "2001:db8::1");
        await LockoutAsync(HttpStatusCode.BadRequest, HttpMethod.Get, "example.test");
    }

    private static string Basic(string user, string password) => "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}"));

    private async Task<TestUser> NewUserAsync(long quota = 0)
    {
        var tenant = await Operator.NewTenantAsync();
        var user = new TestUser(tenant, $"bob@{tenant}.test", Password);
        await Operator.PutAsync(
            HttpStatusCode.Created, $"/{tenant}/mailboxes/{user.Address}", $$"""{"password":"{{Password}}","quotaBytes":{{quota}}}""");
        return user;
    }

    private async Task<List<JsonNode>> ListAsync(TestUser user) =>
        [.. (await AskAsync(HttpStatusCode.OK, HttpMethod.Get, AppPasswords, user))!["items"]!.AsArray().Select(item => item!)];

    /// <summary>All tests come from one address.</summary>
    private Task<JsonNode?> ForgiveAsync() => LockoutAsync(HttpStatusCode.NoContent, HttpMethod.Delete, "127.0.0.1");

    private async Task<JsonNode?> LockoutAsync(HttpStatusCode expected, HttpMethod method, string address)
    {
        using var response = await SendAsync(method, "/api/v1/lockouts/" + address, "Bearer " + WebHost.Key, null);
        return await response.ReadAsync(expected);
    }

    private async Task<JsonNode?> AskAsync(HttpStatusCode expected, HttpMethod method, string path, TestUser user, string? json = null)
    {
        using var content = json is null ? null : new StringContent(json, Encoding.UTF8, "application/json");
        using var response = await SendAsync(method, path, Basic(user.Address, user.Password), content);
        Assert.True(response.Headers.CacheControl?.NoStore, "It may be cached.");
        return await response.ReadAsync(expected);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string? authorization, HttpContent? content)
    {
        using var request = new HttpRequestMessage(method, cluster.Web.Anonymous.UriOf(path)) { Content = content };
        if (authorization is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        }

        return await cluster.Web.Anonymous.SendAsync(request);
    }

    private sealed record TestUser(string Tenant, string Address, string Password);
}
