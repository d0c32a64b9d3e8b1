using System.Net;
using System.Text.Json.Nodes;
using MailGrains.Deployment;
using MailGrains.Infra.Tests.Bicep;

namespace MailGrains.Infra.Tests.Hooks;

public sealed class FixedCheckTests
{
    [Theory]
    [InlineData(Snapshot.Dev, "dev")]
    [InlineData(Snapshot.Production, "production")]
    [InlineData(Snapshot.Hardened, "production", "true")]
    public async Task What_the_template_deployed_it_may_deploy_again(string snapshot, string profile, string hardened = "")
    {
        var deployed = await AskAsync(Snapshot.Read(snapshot));

        Assert.NotNull(Assert.Single(deployed.Clusters!).Pool);
        Assert.Equal(2, deployed.Addresses!.Count);
        Assert.Empty(Judge(profile, deployed, ("MAILGRAINS_HARDENED", hardened)));
    }

    [Fact]
    public async Task A_profile_is_chosen_once()
    {
        var findings = Judge("production", await AskAsync(Snapshot.Read(Snapshot.Dev)));

        Assert.All(findings, finding => Assert.Equal(Weight.Failure, finding.Weight));
        Assert.Contains(findings, finding => finding.Text.Contains("Set MAILGRAINS_VM_SIZE to Standard_D2as_v5", StringComparison.Ordinal));
        Assert.Contains(findings, finding => finding.Text.Contains("Set MAILGRAINS_ZONES to none, or make a new environment (`azd env new`)", StringComparison.Ordinal));
        Assert.Contains(findings, finding => finding.Text.Contains("disks of 64 GB (Managed)", StringComparison.Ordinal));
        Assert.Equal(2, findings.Count(finding => finding.Text.Contains("is Standard_LRS, and Standard_ZRS is wanted", StringComparison.Ordinal)));
        Assert.Equal(2, findings.Count(finding => finding.Text.Contains("an address stays where it is", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("MAILGRAINS_VM_SIZE", "Standard_D8ds_v5", "az aks nodepool add")]
    [InlineData("MAILGRAINS_ZONES", "1,2", "Set MAILGRAINS_ZONES to 1,2,3")]
    public async Task A_pool_stays_as_it_was_made(string name, string value, string told)
    {
        var finding = Assert.Single(Judge("production", await AskAsync(Snapshot.Read(Snapshot.Production)), (name, value)));

        Assert.Equal(Weight.Failure, finding.Weight);
        Assert.Contains(told, finding.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hardened_cluster_stays_so_and_another_may_become_so()
    {
        var finding = Assert.Single(Judge("production", await AskAsync(Snapshot.Read(Snapshot.Hardened))));

        Assert.Equal(Weight.Failure, finding.Weight);
        Assert.Contains("Set MAILGRAINS_HARDENED to true, or make a new environment (`azd env new`)", finding.Text, StringComparison.Ordinal);
        Assert.Empty(Judge("production", await AskAsync(Snapshot.Read(Snapshot.Production)), ("MAILGRAINS_HARDENED", "true")));
    }

    [Fact]
    public void What_is_not_told_stops_nothing()
    {
        Assert.Empty(Judge("production", new Deployed(null, null, null)));
        Assert.Empty(Judge("production", new Deployed([], [], [])));
        Assert.Empty(Judge("production", new Deployed([new("aks", null, Entra: false)], [new("stm0", null)], [new("pip", ["1", "2", "3"], null)])));
        Assert.Empty(Judge("production", new Deployed([new("aks", new(null, ["2", "3", "1"], null, null, null), Entra: false)], [], [])));
    }

    [Fact]
    public async Task The_sending_address_is_known_by_its_name()
    {
        var snapshot = Snapshot.Read(Snapshot.Production);
        foreach (var address in snapshot.OfType("Microsoft.Network/publicIPAddresses"))
        {
            address.Set("properties.ipAddress", address.Text("name")!.EndsWith("-out", StringComparison.Ordinal) ? "192.0.2.26" : "192.0.2.25");
        }

        Assert.Equal("192.0.2.26", (await AskAsync(snapshot)).EgressIp);
    }

    /// <summary>Azure Resource Manager after such a deployment, as far as it tells what the template said.</summary>
    private static Task<Deployed> AskAsync(Snapshot snapshot)
    {
        var azure = new ManagementAnswers((_, path) => (
            HttpStatusCode.OK,
            new JsonObject { ["value"] = new JsonArray([.. snapshot.OfType(path.Split("/providers/")[1]).Select(resource => resource.DeepClone())]) }.ToJsonString()));
        return Deployed.AskAsync(azure.Subscription(), "rg-some", TestContext.Current.CancellationToken);
    }

    private static List<Finding> Judge(string profile, Deployed deployed, params (string Name, string Value)[] set)
    {
        var chosen = Profile.Find(profile)!;
        var variables = new AzdVariables(name => set.FirstOrDefault(s => s.Name == name).Value);
        return [.. FixedCheck.Judge(WantedNodes.Of(variables, chosen, deployed: true), chosen, variables.Flag("MAILGRAINS_HARDENED"), deployed)];
    }
}
