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
    [InlineData("MAILGRAINS_EGRESS_PTR", "out.example.org.", "without the dot")]
    [InlineData("MAILGRAINS_HOST_NAME", "mail.example.org.", "without the dot")]
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
        Assert.Equal(Weight.Failure, SettingsCheck.JudgeShards(1, 2)?.Weight);
        Assert.Null(SettingsCheck.JudgeShards(2, 2));
        Assert.Null(SettingsCheck.JudgeShards(3, 2));
        Assert.Null(SettingsCheck.JudgeShards(1, null));
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
