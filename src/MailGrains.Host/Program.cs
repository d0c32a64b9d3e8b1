using MailGrains.Host.Startup;

return await MailGrainsApplication.RunAsync(args);
