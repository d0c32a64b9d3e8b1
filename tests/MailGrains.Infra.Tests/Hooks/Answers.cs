using System.Net;
using System.Text;
using Azure.Core;
using MailGrains.Deployment;

namespace MailGrains.Infra.Tests.Hooks;

/// <summary>An endpoint of Azure that answers by a list, in turn, and the last answer for ever.</summary>
internal sealed class Answers(params (HttpStatusCode Status, string Body)[] answers) : HttpMessageHandler
{
    private int _next;

    /// <summary>What was asked: method, path, body.</summary>
    public List<(string Method, Uri Address, string Body)> Requests { get; } = [];

    public AzureEndpoint Endpoint() => new(new HttpClient(this), new Somebody(), new Uri("https://kv-abc.vault.azure.net/"), "https://vault.azure.net/.default", null);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Assert.Equal("Bearer a-token-for-https://vault.azure.net/.default", request.Headers.Authorization?.ToString());
        Requests.Add((request.Method.Method, request.RequestUri!, request.Content is null ? "" : await request.Content.ReadAsStringAsync(cancellationToken)));
        var (status, body) = answers[Math.Min(_next++, answers.Length - 1)];
        return status == 0
            ? throw new HttpRequestException("Name or service not known")
            : new HttpResponseMessage(status) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
    }

    internal sealed class Somebody : TokenCredential
    {
        public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken) =>
            new($"a-token-for-{requestContext.Scopes.Single()}", DateTimeOffset.MaxValue);

        public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken) =>
            new(GetToken(requestContext, cancellationToken));
    }
}
