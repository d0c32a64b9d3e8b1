using MailGrains.Deployment;

namespace MailGrains.Infra.Tests.Hooks;

public sealed class SettingsCheckTests
{
    [Fact]
    public void Nothing_set_is_well()
    {
        Assert.Empty(Judge());
    }

    [Theory]
    [InlineData("MAILGRAINS_PROFILE", "staging", "dev and production")]
    [InlineData("MAILGRAINS_OPERATOR_IP_RANGES", "192.0.2.0/24, 10.0.0.300/32", "10.0.0.300/32")]
    [InlineData("MAILGRAINS_OPERATOR_IP_RANGES", "192.0.2.7", "192.0.2.7")]
    public void What_can_not_be_meant_stops_the_deployment(string name, string value, string told)
    {
        var finding = Assert.Single(Judge((name, value)));

        Assert.Equal(Weight.Failure, finding.Weight);
        Assert.Contains(told, finding.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("MAILGRAINS_HARDENED", "true")]
    [InlineData("MAILGRAINS_SMART_HOST_USER", "mailgrains")]
    public void What_is_half_set_is_a_warning(string name, string value)
    {
        Assert.Equal(Weight.Warning, Assert.Single(Judge((name, value))).Weight);
    }

    [Fact]
    public void Accounts_are_never_taken_away()
    {
        DeployedResource[] two = [new("stm0", "Standard_LRS"), new("stm1", "Standard_LRS")];

        Assert.Equal(Weight.Failure, Assert.Single(SettingsCheck.JudgeAccounts(1, Profile.Find("dev")!, two)).Weight);
        Assert.Empty(SettingsCheck.JudgeAccounts(2, Profile.Find("dev")!, two));
        Assert.Empty(SettingsCheck.JudgeAccounts(3, Profile.Find("dev")!, two));
        Assert.Empty(SettingsCheck.JudgeAccounts(1, Profile.Find("dev")!, []));
    }

    [Fact]
    public void A_deployment_keeps_its_profile()
    {
        var finding = Assert.Single(SettingsCheck.JudgeAccounts(1, Profile.Find("production")!, [new("stm0", "Standard_LRS")]));

        Assert.Equal(Weight.Failure, finding.Weight);
        Assert.Contains("Standard_ZRS", finding.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_number_that_is_none_is_named()
    {
        var failure = Assert.Throws<HookException>(() => new AzdVariables(_ => "many").Number("MAILGRAINS_MIN_NODES", 0));

        Assert.Contains("MAILGRAINS_MIN_NODES is \"many\"", failure.Message, StringComparison.Ordinal);
    }

    private static List<Finding> Judge(params (string Name, string Value)[] set) =>
        [.. SettingsCheck.Judge(new AzdVariables(name => set.FirstOrDefault(s => s.Name == name).Value))];
}
