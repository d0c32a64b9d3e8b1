using MailGrains.Deployment;

namespace MailGrains.Infra.Tests.Hooks;

public sealed class ComputeCheckTests
{
    private static readonly MachineSize Size = new("Standard_D4ds_v5", "standardDDSv5Family", 4, new HashSet<string> { "1", "2", "3" }, false, true);

    private static readonly WantedNodes New = new("Standard_D4ds_v5", ["1", "2", "3"], 3, 10, EphemeralDisk: true, Deployed: false);

    private static readonly Quota Plenty = new(0, 100);

    [Fact]
    public void All_is_well_where_the_largest_cluster_and_an_upgrade_fit()
    {
        // Eleven nodes of four processors.
        Assert.All(Judge(New, Size, new Quota(6, 50), Plenty), finding => Assert.Equal(Weight.Good, finding.Weight));
    }

    [Theory]
    [InlineData(11, Weight.Failure)]
    [InlineData(12, Weight.Warning)]
    [InlineData(16, Weight.Warning)]
    [InlineData(43, Weight.Warning)]
    [InlineData(44, Weight.Good)]
    public void Only_too_few_for_the_first_nodes_stop_the_deployment(int free, Weight weight)
    {
        Assert.Equal(weight, Judge(New, Size, new Quota(7, 7 + free), Plenty)[0].Weight);
        Assert.Equal(weight, Judge(New, Size, Plenty, new Quota(7, 7 + free))[1].Weight);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(null)]
    public void Nodes_that_run_or_may_run_are_not_asked_for_again(bool? deployed)
    {
        var finding = Judge(New with { Deployed = deployed }, Size, new Quota(100, 100), Plenty)[0];

        Assert.Equal(Weight.Warning, finding.Weight);
        Assert.Contains("upgrade", finding.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_size_that_the_region_lacks_stops_the_deployment_and_says_how_to_find_another()
    {
        var missing = Assert.Single(Judge(New, null, null, null));
        var refused = Assert.Single(Judge(New, Size with { Refused = true }, Plenty, Plenty));

        Assert.Equal((Weight.Failure, Weight.Failure), (missing.Weight, refused.Weight));
        Assert.Contains("MAILGRAINS_VM_SIZE", missing.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_zone_without_the_size_stops_the_deployment_and_the_others_are_named()
    {
        var finding = Judge(New, Size with { Zones = new HashSet<string> { "1", "3" } }, Plenty, Plenty)[0];

        Assert.Equal(Weight.Failure, finding.Weight);
        Assert.Contains("in zone 2. Set MAILGRAINS_ZONES to some of \"1,3\"", finding.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_size_without_a_local_disk_stops_only_a_profile_that_wants_one()
    {
        var size = Size with { EphemeralDisk = false };

        Assert.Contains(Judge(New, size, Plenty, Plenty), finding => finding.Weight == Weight.Failure);
        Assert.DoesNotContain(Judge(New with { EphemeralDisk = false }, size, Plenty, Plenty), finding => finding.Weight == Weight.Failure);
    }

    [Fact]
    public void A_quota_that_was_not_told_is_a_warning()
    {
        Assert.All(Judge(New, Size, null, null), finding => Assert.Equal(Weight.Warning, finding.Weight));
    }

    [Fact]
    public void Nodes_are_those_of_the_profile_unless_it_is_told_otherwise()
    {
        var plain = WantedNodes.Of(Variables(), Profile.Find("production")!, deployed: false);
        var told = WantedNodes.Of(
            Variables(("MAILGRAINS_VM_SIZE", "Standard_D8ds_v5"), ("MAILGRAINS_ZONES", "none"), ("MAILGRAINS_MIN_NODES", "12")),
            Profile.Find("production")!,
            deployed: false);

        Assert.Equal(("Standard_D4ds_v5", 3, 10), (plain.VmSize, plain.MinNodes, plain.MaxNodes));
        Assert.Equal(["1", "2", "3"], plain.Zones);
        Assert.Equal(("Standard_D8ds_v5", 12, 12), (told.VmSize, told.MinNodes, told.MaxNodes));
        Assert.Empty(told.Zones);
    }

    [Fact]
    public void The_most_nodes_are_never_fewer_than_the_least()
    {
        var wanted = WantedNodes.Of(Variables(("MAILGRAINS_MAX_NODES", "1")), Profile.Find("production")!, deployed: false);

        Assert.Equal((3, 3), (wanted.MinNodes, wanted.MaxNodes));
    }

    private static AzdVariables Variables(params (string Name, string Value)[] set) => new(name => set.FirstOrDefault(s => s.Name == name).Value);

    private static List<Finding> Judge(WantedNodes wanted, MachineSize? size, Quota? family, Quota? region) =>
        [.. ComputeCheck.Judge(wanted, "westeurope", size, family, region)];
}
