using System.Net;

namespace MailGrains.Web.Tests;

/// <summary>PUT, GET and DELETE of tenants, domains, mailboxes and aliases.</summary>
[Collection(SharedWeb.Name)]
public sealed class DirectoryApiTests(WebCluster cluster)
{
    private HttpClient Operator => cluster.Web.Operator;

    [Fact]
    public async Task TenantIsMadeChangedShownAndDeleted()
    {
        var tenant = ApiClient.NewName();
        await Operator.GetAsync(HttpStatusCode.NotFound, $"/{tenant}");
        await Operator.DeleteAsync(HttpStatusCode.NotFound, $"/{tenant}");

        Assert.Equal($"/api/v1/tenants/{tenant}", (await Operator.LocationOfPutAsync($"/{tenant.ToUpperInvariant()}")).OriginalString);
        await Operator.PutAsync(HttpStatusCode.OK, $"/{tenant}", """{"displayName": "Ünïcode & Co"}""");
        await Operator.PutAsync(HttpStatusCode.OK, $"/{tenant}", """{"displayName": "Ünïcode & Co"}""");

        var shown = await Operator.GetAsync(HttpStatusCode.OK, $"/{tenant}");
        Assert.Equal((tenant, "Ünïcode & Co"), ((string)shown!["name"]!, (string)shown["displayName"]!));
        await Operator.DeleteAsync(HttpStatusCode.NoContent, $"/{tenant}");
        await Operator.DeleteAsync(HttpStatusCode.NotFound, $"/{tenant}");
        await Operator.GetAsync(HttpStatusCode.NotFound, $"/{tenant}");
    }

    [Fact]
    public async Task DomainIsMadeChangedShownAndDeleted()
    {
        var tenant = await Operator.NewTenantAsync();

        var location = await Operator.LocationOfPutAsync($"/{tenant}/domains/B%C3%BCcher.{tenant}.test");
        Assert.Equal($"/api/v1/tenants/{tenant}/domains/xn--bcher-kva.{tenant}.test", location.OriginalString);
        var path = $"/{tenant}/domains/xn--bcher-kva.{tenant}.test";
        await Operator.PutAsync(HttpStatusCode.OK, path, $$"""{"catchAll": "Bob@{{tenant}}.test", "postmaster": "ann@example.org", "backupMx": true}""");
        var shown = await Operator.GetAsync(HttpStatusCode.OK, path);
        Assert.Equal(($"Bob@{tenant}.test", "ann@example.org"), ((string)shown!["catchAll"]!, (string)shown["postmaster"]!));

        Assert.True((bool)shown["backupMx"]!);

        // Replaced whole: what is left out goes.
        await Operator.PutAsync(HttpStatusCode.OK, path, """{"postmaster": "ann@example.org"}""");
        shown = await Operator.GetAsync(HttpStatusCode.OK, path);
        Assert.Equal((null, false), ((string?)shown!["catchAll"], (bool)shown["backupMx"]!));

        await Operator.DeleteAsync(HttpStatusCode.Conflict, $"/{tenant}");
        await Operator.DeleteAsync(HttpStatusCode.NoContent, path);
        await Operator.DeleteAsync(HttpStatusCode.NotFound, path);
        await Operator.GetAsync(HttpStatusCode.NotFound, path);
    }

    [Fact]
    public async Task MailboxIsMadeChangedShownAndDeleted()
    {
        var tenant = await Operator.NewTenantAsync();
        var path = $"/{tenant}/mailboxes/bob@{tenant}.test";

        var made = await Operator.PutAsync(HttpStatusCode.Created, path, """{"password": "open sesame", "quotaBytes": 1000}""");
        Assert.DoesNotContain("sesame", made!.ToJsonString(), StringComparison.Ordinal);
        var changed = await Operator.PutAsync(HttpStatusCode.OK, path, """{"password": "another word"}""");
        Assert.Equal(made.ToJsonString(), changed!.ToJsonString());
        changed = await Operator.PutAsync(HttpStatusCode.OK, path, """{"quotaBytes": 0}""");
        Assert.Equal(0, (long)changed!["quotaBytes"]!);
        Assert.Equal((string)made["id"]!, (string)changed["id"]!);
        Assert.True((bool)changed["complete"]!);
        Assert.Equal(changed.ToJsonString(), (await Operator.GetAsync(HttpStatusCode.OK, path))!.ToJsonString());

        await Operator.DeleteAsync(HttpStatusCode.Conflict, $"/{tenant}/domains/{tenant}.test");
        await Operator.DeleteAsync(HttpStatusCode.NoContent, path);
        await Operator.DeleteAsync(HttpStatusCode.NotFound, path);
        var again = await Operator.PutAsync(HttpStatusCode.Created, path);
        Assert.NotEqual((string)made["id"]!, (string)again!["id"]!);
    }

    [Fact]
    public async Task AliasIsMadeChangedShownAndDeleted()
    {
        var tenant = await Operator.NewTenantAsync();
        var path = $"/{tenant}/aliases/staff@{tenant}.test";

        await Operator.PutAsync(HttpStatusCode.Created, path, """{"targets": ["Ann@Example.org", "bob@example.org"]}""");
        await Operator.PutAsync(HttpStatusCode.OK, path, """{"targets": ["Ann@Example.org"]}""");
        var shown = await Operator.GetAsync(HttpStatusCode.OK, path);
        Assert.Equal(["Ann@example.org"], shown!["targets"]!.AsArray().Select(target => (string)target!));

        await Operator.DeleteAsync(HttpStatusCode.Conflict, $"/{tenant}/domains/{tenant}.test");
        await Operator.DeleteAsync(HttpStatusCode.NoContent, path);
        await Operator.DeleteAsync(HttpStatusCode.NotFound, path);
        await Operator.GetAsync(HttpStatusCode.NotFound, path);
    }

    [Fact]
    public async Task NothingIsMadeWithoutItsParent()
    {
        var tenant = ApiClient.NewName();
        await Operator.PutAsync(HttpStatusCode.NotFound, $"/{tenant}/domains/{tenant}.test");
        await Operator.PutAsync(HttpStatusCode.NotFound, $"/{tenant}/mailboxes/bob@{tenant}.test");
        await Operator.PutAsync(HttpStatusCode.NotFound, $"/{tenant}/aliases/bob@{tenant}.test", """{"targets": ["a@b.test"]}""");
        await Operator.PutAsync(HttpStatusCode.Created, $"/{tenant}");
        await Operator.PutAsync(HttpStatusCode.NotFound, $"/{tenant}/mailboxes/bob@{tenant}.test");
        await Operator.PutAsync(HttpStatusCode.NotFound, $"/{tenant}/aliases/bob@{tenant}.test", """{"targets": ["a@b.test"]}""");
        foreach (var collection in new[] { "domains", "mailboxes", "aliases" })
        {
            await Operator.GetAsync(HttpStatusCode.NotFound, $"/{ApiClient.NewName()}/{collection}");
            Assert.Empty(await Operator.ListAsync($"/{tenant}/{collection}", "name", 10));
        }
    }

    [Fact]
    public async Task NameIsOfOneKindOnly()
    {
        var tenant = await Operator.NewTenantAsync();
        await Operator.PutAsync(HttpStatusCode.Created, $"/{tenant}/mailboxes/bob@{tenant}.test");
        await Operator.PutAsync(HttpStatusCode.Created, $"/{tenant}/aliases/staff@{tenant}.test", """{"targets": ["ann@example.org"]}""");

        await Operator.PutAsync(HttpStatusCode.Conflict, $"/{tenant}/aliases/Bob@{tenant}.test", """{"targets": ["ann@example.org"]}""");
        await Operator.PutAsync(HttpStatusCode.Conflict, $"/{tenant}/mailboxes/Staff@{tenant}.test");
    }

    [Fact]
    public async Task TenantsNeverSeeEachOthersThings()
    {
        var ours = await Operator.NewTenantAsync();
        var theirs = await Operator.NewTenantAsync();
        await Operator.PutAsync(HttpStatusCode.Created, $"/{ours}/mailboxes/bob@{ours}.test");
        await Operator.PutAsync(HttpStatusCode.Created, $"/{ours}/aliases/staff@{ours}.test", """{"targets": ["ann@example.org"]}""");

        await Operator.PutAsync(HttpStatusCode.Conflict, $"/{theirs}/domains/{ours}.test");
        await Operator.PutAsync(HttpStatusCode.NotFound, $"/{theirs}/mailboxes/eve@{ours}.test");
        await Operator.PutAsync(HttpStatusCode.NotFound, $"/{theirs}/aliases/eve@{ours}.test", """{"targets": ["ann@example.org"]}""");
        foreach (var path in new[] { $"domains/{ours}.test", $"mailboxes/bob@{ours}.test", $"aliases/staff@{ours}.test" })
        {
            await Operator.GetAsync(HttpStatusCode.NotFound, $"/{theirs}/{path}");
            await Operator.DeleteAsync(HttpStatusCode.NotFound, $"/{theirs}/{path}");
            await Operator.GetAsync(HttpStatusCode.OK, $"/{ours}/{path}");
        }

        Assert.Equal([$"{theirs}.test"], await Operator.ListAsync($"/{theirs}/domains", "name", 10));
        Assert.Empty(await Operator.ListAsync($"/{theirs}/mailboxes", "address", 10));
        Assert.Empty(await Operator.ListAsync($"/{theirs}/aliases", "address", 10));
    }

    /// <summary>As the localpart stands in the path, and as it is shown.</summary>
    [Theory]
    [InlineData("a%2Fb", "a/b")]
    [InlineData("a%2fb", "a/b")]
    [InlineData("a%252Fb", "a%2fb")]
    [InlineData("a%25b", "a%b")]
    [InlineData("100%25", "100%")]
    [InlineData("%25%32%46", "%2f")]
    [InlineData("a+b", "a+b")]
    [InlineData("a%20b", "a b")]
    [InlineData("a%3Fb%23c", "a?b#c")]
    [InlineData("%22a@b%22", "a@b")]
    [InlineData("M%C3%9CLLER", "müller")]
    public async Task LocalpartIsDecodedOnce(string segment, string localpart)
    {
        var tenant = await Operator.NewTenantAsync();
        foreach (var (collection, body) in new[] { ("mailboxes", "{}"), ("aliases", """{"targets": ["ann@example.org"]}""") })
        {
            var path = $"/{tenant}/{collection}/{segment}@{tenant}.test";
            var location = await Operator.LocationOfPutAsync(path, body);
            var shown = await Operator.GetAsync(HttpStatusCode.OK, path);
            Assert.Equal($"{localpart}@{tenant}.test", (string)shown!["address"]!);
            Assert.Equal([$"{localpart}@{tenant}.test"], await Operator.ListAsync($"/{tenant}/{collection}", "address", 10));
            using (var located = await Operator.GetAsync(location, TestContext.Current.CancellationToken))
            {
                Assert.Equal(shown.ToJsonString(), (await located.ReadAsync(HttpStatusCode.OK))!.ToJsonString());
            }

            await Operator.DeleteAsync(HttpStatusCode.NoContent, path);
        }
    }

    [Fact]
    public async Task CollectionsAreReadInPages()
    {
        var tenant = await Operator.NewTenantAsync();
        var localparts = new[] { "a", "a+b", "a.b", "a/b", "b", "ä", "zz" };
        foreach (var localpart in localparts)
        {
            var address = Uri.EscapeDataString($"{localpart}@{tenant}.test");
            await Operator.PutAsync(HttpStatusCode.Created, $"/{tenant}/mailboxes/{address}");
            await Operator.PutAsync(HttpStatusCode.Created, $"/{tenant}/aliases/x{address}", """{"targets": ["ann@example.org"]}""");
            await Operator.PutAsync(HttpStatusCode.Created, $"/{tenant}/domains/d{Array.IndexOf(localparts, localpart)}.{tenant}.test");
        }

        foreach (var limit in new[] { 1, 2, 7, 1_000 })
        {
            var mailboxes = await Operator.ListAsync($"/{tenant}/mailboxes", "address", limit);
            Assert.Equal(localparts.Select(l => $"{l}@{tenant}.test").Order(), mailboxes.Order());
            var aliases = await Operator.ListAsync($"/{tenant}/aliases", "address", limit);
            Assert.Equal(localparts.Select(l => $"x{l}@{tenant}.test").Order(), aliases.Order());
            var domains = await Operator.ListAsync($"/{tenant}/domains", "name", limit);
            Assert.Equal([.. Enumerable.Range(0, 7).Select(i => $"d{i}.{tenant}.test"), $"{tenant}.test"], domains);
        }

        var other = await Operator.NewTenantAsync();
        var tenants = await Operator.ListAsync("", "name", 1);
        Assert.Equal(tenants.Order(StringComparer.Ordinal).Distinct(), tenants);
        Assert.Contains(tenant, tenants);
        Assert.Contains(other, tenants);
    }

    [Theory]
    [InlineData("?limit=0")]
    [InlineData("?limit=1001")]
    [InlineData("?limit=ten")]
    [InlineData("?after=..")]
    public async Task PageThatCantBeIsRefused(string query)
    {
        var tenant = await Operator.NewTenantAsync();
        foreach (var path in new[] { "", $"/{tenant}/domains", $"/{tenant}/mailboxes", $"/{tenant}/aliases" })
        {
            await Operator.GetAsync(HttpStatusCode.BadRequest, path + query);
        }
    }
}
