using System.Net;
using System.Net.Http.Headers;

namespace MailGrains.Infra.Tests.Manifests;

/// <summary>The published folder started with what the manifests set, and nothing else of this machine.</summary>
public sealed class PublishedFolderTests(PublishedFolder published) : IClassFixture<PublishedFolder>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(ManifestFolder.All), MemberType = typeof(ManifestFolder))]
    public async Task Every_workload_starts_with_the_environment_of_its_manifest_and_passes_its_probes(string folder)
    {
        var manifests = new ManifestFolder(folder);
        var deployment = published.NewDeployment();
        var before = Directory.GetFileSystemEntries(published.Path, "*", SearchOption.AllDirectories);
        await using var hosts = new Hosts();
        await Task.WhenAll(manifests.Workloads().Select(workload =>
            hosts.StartAsync(workload.Metadata.Name, published.Path, published.OnThisMachine(manifests.EnvironmentOf(workload, deployment)))));

        foreach (var workload in manifests.Workloads())
        {
            var (host, container) = (hosts[workload.Metadata.Name], workload.Spec.Template.Spec.Containers.Single());
            var ports = container.Ports.Select(port => port.Name).Where(PortTests.IsSpoken).Except(["silo", "gateway"]);
            Assert.Equal(ports.Order(), host.Endpoints.Keys.Order());
            foreach (var probe in new[] { container.StartupProbe, container.ReadinessProbe, container.LivenessProbe })
            {
                Assert.Equal(HttpStatusCode.OK, await StatusAsync(host, probe.HttpGet.Path, key: null));
            }

            Assert.Equal(Environment.IsPrivilegedProcess ? PublishedHost.User : host.ActualUser, host.ActualUser);
        }

        // The key is the vault's, on the process that administers.
        var web = hosts[manifests.Workloads()[0].Metadata.Name];
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(web, "/api/v1/tenants", PublishedFolder.ApiKey));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(web, "/api/v1/tenants", "another key"));

        Assert.Equal(before, Directory.GetFileSystemEntries(published.Path, "*", SearchOption.AllDirectories));
        Assert.Empty(published.Refused.Except(["acme-v02.api.letsencrypt.org", "westeurope-5.in.applicationinsights.azure.com"]));
    }

    private static async Task<HttpStatusCode> StatusAsync(PublishedHost host, string path, string? key)
    {
        using var client = new HttpClient { BaseAddress = new Uri($"http://{host.Endpoints["http"]}") };
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
        using var response = await client.SendAsync(request, Cancellation);
        return response.StatusCode;
    }

    private sealed class Hosts : IAsyncDisposable
    {
        private readonly System.Collections.Concurrent.ConcurrentDictionary<string, PublishedHost> _running = new();

        public PublishedHost this[string name] => _running[name];

        public async Task StartAsync(string name, string folder, IReadOnlyDictionary<string, string> variables) =>
            _running[name] = await PublishedHost.StartAsync(folder, variables, Cancellation);

        public async ValueTask DisposeAsync()
        {
            foreach (var host in _running.Values)
            {
                await host.DisposeAsync();
            }
        }
    }
}
