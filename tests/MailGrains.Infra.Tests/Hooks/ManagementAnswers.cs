using System.Net;
using System.Text;
using MailGrains.Deployment;

namespace MailGrains.Infra.Tests.Hooks;

/// <summary>Azure Resource Manager, as far as a test makes it: an answer to each method and path.</summary>
internal sealed class ManagementAnswers(Func<string, string, (HttpStatusCode Status, string Body)> answer) : HttpMessageHandler
{
    public const string SubscriptionId = "6f1c6d2e-0000-4000-8000-00000000000a";

    /// <summary>What was asked, in order: method, path, body.</summary>
    public List<(string Method, string Path, string Body)> Requests { get; } = [];

    public AzureEndpoint Endpoint() => new(
        new HttpClient(this), new Answers.Somebody(), new Uri("https://management.azure.com/"), "https://management.azure.com/.default", null);

    public Subscription Subscription() => new(Endpoint(), SubscriptionId);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Assert.Equal("management.azure.com", request.RequestUri!.Host);
        Assert.Contains("api-version=", request.RequestUri.Query, StringComparison.Ordinal);
        var path = request.RequestUri.AbsolutePath;
        Requests.Add((request.Method.Method, path, request.Content is null ? "" : await request.Content.ReadAsStringAsync(cancellationToken)));
        var (status, body) = answer(request.Method.Method, path);
        return new HttpResponseMessage(status) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
    }
}
