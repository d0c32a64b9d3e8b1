using System.Net;
using System.Net.Http.Headers;
using System.Text;
using MailGrains.Testing.Faults;

namespace MailGrains.Web.Tests;

/// <summary>Requests that can't be carried out, each with its problem.</summary>
[Collection(SharedWeb.Name)]
public sealed class RequestTests(WebCluster cluster)
{
    private HttpClient Operator => cluster.Web.Operator;

    [Theory]
    [InlineData("/-tenant")]
    [InlineData("/ten.ant")]
    [InlineData("/ten%2Fant")]
    [InlineData("/t%C3%BC")]
    [InlineData("/TENANT/domains/-.test")]
    [InlineData("/TENANT/domains/a..test")]
    [InlineData("/TENANT/domains/a%2Fb.test")]
    [InlineData("/TENANT/mailboxes/bob")]
    [InlineData("/TENANT/mailboxes/@TENANT.test")]
    [InlineData("/TENANT/mailboxes/a%0Ab@TENANT.test")]
    [InlineData("/TENANT/aliases/bob@")]
    public async Task MalformedNameIs400(string path)
    {
        var tenant = await Operator.NewTenantAsync();
        path = path.Replace("TENANT", tenant, StringComparison.Ordinal);

        await Operator.GetAsync(HttpStatusCode.BadRequest, path);
        await Operator.PutAsync(HttpStatusCode.BadRequest, path, path.Contains("aliases", StringComparison.Ordinal) ? """{"targets": ["a@b.test"]}""" : "{}");
        await Operator.DeleteAsync(HttpStatusCode.BadRequest, path);
    }

    [Theory]
    [InlineData("mailboxes", "")]
    [InlineData("mailboxes", "{")]
    [InlineData("mailboxes", "null")]
    [InlineData("mailboxes", "[]")]
    [InlineData("mailboxes", "{} {}")]
    [InlineData("mailboxes", """{"pasword": "open sesame"}""")]
    [InlineData("mailboxes", """{"password": "open sesame", "password": "other word"}""")]
    [InlineData("mailboxes", """{"password": 12345678}""")]
    [InlineData("mailboxes", """{"password": "short"}""")]
    [InlineData("mailboxes", """{"password": "bell\u0007 rings"}""")]
    [InlineData("mailboxes", """{"quotaBytes": "1000"}""")]
    [InlineData("mailboxes", """{"quotaBytes": -1}""")]
    [InlineData("mailboxes", """{"quotaBytes": 1.5}""")]
    [InlineData("mailboxes", """{"quotaBytes": 9223372036854775808}""")]
    [InlineData("aliases", "{}")]
    [InlineData("aliases", """{"targets": []}""")]
    [InlineData("aliases", """{"targets": null}""")]
    [InlineData("aliases", """{"targets": [null]}""")]
    [InlineData("aliases", """{"targets": "ann@example.org"}""")]
    [InlineData("aliases", """{"targets": ["ann"]}""")]
    [InlineData("aliases", """{"targets": ["bob@TENANT.test"]}""")]
    [InlineData("aliases", """{"targets": ["ann@example.org\r\nBcc: eve@example.org"]}""")]
    public async Task MalformedBodyIs400AndMakesNothing(string collection, string body)
    {
        var tenant = await Operator.NewTenantAsync();
        var path = $"/{tenant}/{collection}/bob@{tenant}.test";

        // An empty body is none: it is sent in chunks, so that only reading it tells.
        using var content = new StreamContent(new UnknownLength(Encoding.UTF8.GetBytes(body.Replace("TENANT", tenant, StringComparison.Ordinal))));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        await Operator.AskAsync(HttpStatusCode.BadRequest, HttpMethod.Put, path, content);

        await Operator.GetAsync(HttpStatusCode.NotFound, path);
    }

    [Fact]
    public async Task AliasThatLeadsBackToItselfIs400()
    {
        var tenant = await Operator.NewTenantAsync();
        await Operator.PutAsync(HttpStatusCode.Created, $"/{tenant}/aliases/one@{tenant}.test", $$"""{"targets": ["two@{{tenant}}.test"]}""");

        var problem = await Operator.PutAsync(
            HttpStatusCode.BadRequest, $"/{tenant}/aliases/two@{tenant}.test", $$"""{"targets": ["One@{{tenant}}.test"]}""");

        Assert.Contains("leads back", (string)problem!["detail"]!, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task BodyOver64KiBIs413(bool chunked)
    {
        var tenant = await Operator.NewTenantAsync();
        var body = Encoding.UTF8.GetBytes($$"""{"displayName": "{{new string('x', 64 * 1024)}}"}""");
        using HttpContent content = chunked ? new StreamContent(new UnknownLength(body)) : new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");

        await Operator.AskAsync(HttpStatusCode.RequestEntityTooLarge, HttpMethod.Put, $"/{tenant}", content);
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("application/xml")]
    [InlineData("text/json")]
    [InlineData("json")]
    [InlineData(",")]
    public async Task BodyOfAnotherTypeIs415(string type)
    {
        var tenant = await Operator.NewTenantAsync();
        using var content = new ByteArrayContent("{}"u8.ToArray());
        Assert.True(content.Headers.TryAddWithoutValidation("Content-Type", type));

        await Operator.AskAsync(HttpStatusCode.UnsupportedMediaType, HttpMethod.Put, $"/{tenant}", content);
    }

    [Fact]
    public async Task WhatIsNoResourceIsAProblemToo()
    {
        await Operator.GetAsync(HttpStatusCode.NotFound, "/acme/nothing");
        await Operator.AskAsync(HttpStatusCode.MethodNotAllowed, HttpMethod.Post, "/acme", new StringContent("{}"));
        using var elsewhere = await Operator.GetAsync("/nowhere", TestContext.Current.CancellationToken);
        await elsewhere.ReadAsync(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task StoreThatFailsIs503AndTheRepeatGoesOnWithTheSameId()
    {
        var tenant = await Operator.NewTenantAsync();
        var path = $"/{tenant}/mailboxes/bob@{tenant}.test";
        cluster.Tables.WhenCommitting = (partition, _) => partition.StartsWith("address:", StringComparison.Ordinal) ? CommitFault.Unavailable : null;
        try
        {
            using var content = new StringContent("{}", Encoding.UTF8, "application/json");
            using var response = await Operator.PutAsync($"/api/v1/tenants{path}", content, TestContext.Current.CancellationToken);
            await response.ReadAsync(HttpStatusCode.ServiceUnavailable);
            Assert.NotNull(response.Headers.RetryAfter);
        }
        finally
        {
            cluster.Tables.Heal();
        }

        var half = await Operator.GetAsync(HttpStatusCode.OK, path);
        Assert.False((bool)half!["complete"]!);
        var whole = await Operator.PutAsync(HttpStatusCode.Created, path);
        Assert.True((bool)whole!["complete"]!);
        Assert.Equal((string)half["id"]!, (string)whole["id"]!);
    }

    /// <summary>Its client can't tell how long it is, and sends it in chunks.</summary>
    private sealed class UnknownLength(byte[] content) : MemoryStream(content)
    {
        public override bool CanSeek => false;
    }
}
